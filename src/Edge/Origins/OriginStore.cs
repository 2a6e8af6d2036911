using System.Net.Http.Headers;
using EdgeCache.Edge.Delivery;
using EdgeCache.Storage;

namespace EdgeCache.Edge.Origins;

/// <summary>
/// A store behind HTTP: another node, or any server that answers GET and HEAD and perhaps takes PUT and DELETE. Of what others put there the digest is not known unless the
/// answer gives one (Repr-Digest). It can't list.
/// </summary>
/// <remarks>Locks: a key's gate (<see cref="KeyGate"/>) around the decision and the end of a change; nothing is locked while one is held. Reads and content on its way take none.</remarks>
internal sealed partial class OriginStore(OriginClient client, ILogger<OriginStore> logger) : IBlobStore
{
    private readonly KeyGate _gate = new();
    private readonly GenerationTable _generations = new();
    private volatile string? _fault;
    private volatile bool _closed;

    /// <summary>A store has no size of its own here, so all sizes are 0 but the limit. The fault is that of the last call that failed, until one succeeds.</summary>
    public StoreState State => new(0, long.MaxValue, 0, _fault);

    public async ValueTask<Outcome<BlobMetadata>> StatAsync(BlobKey key, CancellationToken cancellationToken)
    {
        try
        {
            return await FindAsync(key, cancellationToken) is { } found ? found.Blob : StoreStatus.Missing;
        }
        catch (Exception error) when (IsExpected(error, cancellationToken))
        {
            return Fail<BlobMetadata>(error);
        }
    }

    public async ValueTask<Outcome<IBlobReader>> OpenReadAsync(BlobKey key, ByteRange expected, CancellationToken cancellationToken)
    {
        try
        {
            return await OpenAsync(key, expected, cancellationToken) is { } reader ? Outcome<IBlobReader>.Good(reader) : StoreStatus.Missing;
        }
        catch (Exception error) when (IsExpected(error, cancellationToken))
        {
            return Fail<IBlobReader>(error);
        }
    }

    public IAsyncEnumerable<BlobListing> ListAsync(BlobPrefix prefix, CancellationToken cancellationToken) => throw new NotSupportedException("An HTTP origin can't list what it has.");

    public long GetGeneration(BlobKey key) => _generations.Get(key);

    public ValueTask DisposeAsync()
    {
        // The connections are the cluster's.
        _closed = true;
        return ValueTask.CompletedTask;
    }

    private async Task<OriginBlobReader?> OpenAsync(BlobKey key, ByteRange expected, CancellationToken cancellationToken)
    {
        var answer = await client.SendAsync(HttpMethod.Get, key, request => Ask(request, expected), null, client.Target.Timeout, cancellationToken);
        try
        {
            if (answer.Status == StatusCodes.Status416RangeNotSatisfiable)
            {
                // What the caller expects to read is beyond the end; what it will read may not be.
                answer.Dispose();
                return await FindAsync(key, cancellationToken) is { } found ? new OriginBlobReader(client, found) : null;
            }
            if (IsMissing(answer))
            {
                answer.Dispose();
                return null;
            }
            if (answer.Status is not (StatusCodes.Status200OK or StatusCodes.Status206PartialContent))
                throw OriginFaults.Unexpected(client.Target, answer.Response);
            var (offset, length, total) = OriginBlob.ReadRange(client.Target, answer.Response);
            var reader = new OriginBlobReader(client, OriginBlob.Read(client.Target, key, answer.Response, total));
            await reader.BeginAsync(answer, offset, length);
            Succeeded();
            return reader;
        }
        catch
        {
            answer.Dispose();
            throw;
        }
    }

    /// <summary>Asks what a key has now; null for nothing.</summary>
    private async Task<OriginBlob?> FindAsync(BlobKey key, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        using var answer = await client.SendAsync(HttpMethod.Head, key, request => Ask(request, ByteRange.Whole), null, client.Target.Timeout, cancellationToken);
        if (IsMissing(answer))
            return null;
        if (answer.Status != StatusCodes.Status200OK)
            throw OriginFaults.Unexpected(client.Target, answer.Response);
        var blob = OriginBlob.Read(client.Target, key, answer.Response, OriginBlob.ReadRange(client.Target, answer.Response).Total);
        Succeeded();
        return blob;
    }

    private void Ask(HttpRequestMessage request, ByteRange expected)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        if (client.Target.IsEdgeCache)
            request.Headers.TryAddWithoutValidation(MetadataField.Name, MetadataField.Ask);
        if (expected == ByteRange.Whole)
            return;
        var isOpen = expected.Length > long.MaxValue - expected.Offset;
        request.Headers.Range = new RangeHeaderValue(expected.Offset, isOpen ? null : expected.Offset + Math.Max(1, expected.Length) - 1);
    }

    /// <summary>Whether the answer says that there is no such blob. A node says so itself; a 404 of anything else means that there is no such place.</summary>
    private bool IsMissing(OriginAnswer answer)
    {
        if (answer.Status is not (StatusCodes.Status404NotFound or StatusCodes.Status410Gone))
            return false;
        if (client.Target.IsEdgeCache && !(answer.Response.Headers.NonValidated.TryGetValues("Cache-Status", out var status) && status.ToString().Contains("EdgeCache", StringComparison.Ordinal)))
            throw OriginFaults.Unexpected(client.Target, answer.Response);
        Succeeded();
        return true;
    }

    internal bool IsExpected(Exception error, CancellationToken cancellationToken) =>
        (OriginFaults.IsExpected(error) && !(error is OperationCanceledException && cancellationToken.IsCancellationRequested)) || (_closed && error is ObjectDisposedException);

    internal Outcome<T> Fail<T>(Exception error)
        where T : class
    {
        if (error is ObjectDisposedException)
            return Outcome<T>.Fail(StoreStatus.Unavailable, "The store is closed.");
        var fault = OriginFaults.Explain(client.Target, error);
        if (fault.Status == StoreStatus.Unavailable && fault.Message != OriginFaults.Loop && Interlocked.Exchange(ref _fault, fault.Message) != fault.Message)
            LogFault(error, fault.Message);
        return Outcome<T>.Fail(fault.Status, fault.Message);
    }

    private void Succeeded()
    {
        if (_fault is not null && Interlocked.Exchange(ref _fault, null) is not null)
            LogRecovered(client.Target.Name);
    }

    [LoggerMessage(LogLevel.Error, "The far store fails: {Detail}")]
    private partial void LogFault(Exception error, string detail);

    [LoggerMessage(LogLevel.Information, "{Origin} answers again")]
    private partial void LogRecovered(string origin);
}
