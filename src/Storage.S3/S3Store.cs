using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using EdgeCache.Storage.S3.Coding;
using Microsoft.Extensions.Logging;

namespace EdgeCache.Storage.S3;

/// <summary>
/// A store in a bucket of an S3 server. A blob is one object with our metadata beside it, and every object below the prefix whose name is a key is a blob, whoever put it there;
/// of those of others the digest is not known. A change is checked and made in one step as far as the server keeps conditions, and always within this process.
/// </summary>
/// <remarks>Locks: a key's gate (<see cref="KeyGate"/>) around look, decision and change; nothing is locked while one is held. Reads and the upload of parts take none.</remarks>
public sealed partial class S3Store : IBlobStore
{
    /// <summary>For how long a bucket that has answered is taken to be there when an object is missing.</summary>
    private static readonly TimeSpan BucketMemory = TimeSpan.FromSeconds(60);

    private readonly S3StoreOptions _options;
    private readonly S3Session _session;
    private readonly ObjectNames _names;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly PartBuffers _buffers;
    private readonly KeyGate _gate = new();
    private readonly GenerationTable _generations = new();
    private volatile string? _fault;
    private volatile bool _closed;
    private long _bucketSeen = long.MinValue;
    private long _generation;

    private S3Store(S3StoreOptions options, S3Session session, TimeProvider time, ILogger logger)
    {
        _options = options;
        _session = session;
        _names = new ObjectNames(options.Prefix);
        _time = time;
        _logger = logger;
        _buffers = new PartBuffers(options.PartSize, options.MaxPartBuffers);
        _compression = new ObjectCompression(options, time);
    }

    /// <summary>A store has no size of its own here, so all sizes are 0 but the limit. The fault is that of the last call that failed, until one succeeds.</summary>
    public StoreState State => new(0, long.MaxValue, 0, _fault);

    /// <summary>For tests: buffers that no upload holds.</summary>
    internal int FreeBuffers => _buffers.Free;

    /// <summary>Opens the store. Asks the server nothing: one that is down now may be there later.</summary>
    /// <param name="options">Where and how.</param>
    /// <param name="time">The clock of time-outs and of what is stored.</param>
    /// <param name="logger">Where faults are told.</param>
    /// <exception cref="IOException">The credentials or the CA file can't be used; the message says why.</exception>
    public static S3Store Open(S3StoreOptions options, TimeProvider time, ILogger logger) => new(options, new S3Session(options, time), time, logger);

    /// <inheritdoc/>
    public async ValueTask<Outcome<BlobMetadata>> StatAsync(BlobKey key, CancellationToken cancellationToken)
    {
        try
        {
            return await FindAsync(key, cancellationToken).ConfigureAwait(false) is { } found ? found.Blob : StoreStatus.Missing;
        }
        catch (Exception error) when (IsExpected(error, cancellationToken))
        {
            return Fail<BlobMetadata>(error);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<Outcome<IBlobReader>> OpenReadAsync(BlobKey key, ByteRange expected, CancellationToken cancellationToken)
    {
        try
        {
            return await OpenAsync(key, expected, cancellationToken).ConfigureAwait(false) is { } reader ? Outcome<IBlobReader>.Good(reader) : StoreStatus.Missing;
        }
        catch (Exception error) when (IsExpected(error, cancellationToken))
        {
            return Fail<IBlobReader>(error);
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<BlobListing> ListAsync(BlobPrefix prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var (begins, after) in _names.Ranges(prefix))
        {
            string? continuation = null;
            do
            {
                var page = await ListPageAsync(begins, after, continuation, cancellationToken).ConfigureAwait(false);
                foreach (var item in page.S3Objects ?? [])
                {
                    if (_names.Parse(prefix.Namespace, item.Key) is { } key && (prefix.Tenant is null || key.Tenant == prefix.Tenant) && key.Key.StartsWith(prefix.KeyPrefix, StringComparison.Ordinal)
                        && await HasAsync(key, prefix, cancellationToken).ConfigureAwait(false))
                    {
                        yield return new BlobListing(key, item.Size ?? 0, ToTime(item.LastModified));
                    }
                }
                continuation = page.IsTruncated == true ? page.NextContinuationToken : null;
            }
            while (continuation is not null);
        }
    }

    /// <summary>Whether an object has the tag and the writer that are asked for. A listing of the server does not say, so each costs a request: for administration.</summary>
    private async ValueTask<bool> HasAsync(BlobKey key, BlobPrefix prefix, CancellationToken cancellationToken)
    {
        if (prefix is { Tag: null, Writer: null })
            return true;
        var found = await StatAsync(key, cancellationToken).ConfigureAwait(false);
        if (found.Status == StoreStatus.Unavailable)
            throw new IOException(found.Detail);
        return found.IsOk && (prefix.Tag is null || found.Value.Tags.Contains(prefix.Tag, StringComparer.Ordinal)) && (prefix.Writer is null || found.Value.Writer == prefix.Writer);
    }

    /// <inheritdoc/>
    public long GetGeneration(BlobKey key) => _generations.Get(key);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _closed = true;
        _session.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<IBlobReader?> OpenAsync(BlobKey key, ByteRange expected, CancellationToken cancellationToken)
    {
        var name = _names.Of(key);
        (long, long)? range = expected == ByteRange.Whole
            ? null
            : (expected.Offset, expected.Length > long.MaxValue - expected.Offset ? long.MaxValue : expected.Offset + Math.Max(1, expected.Length) - 1);
        GetObjectResponse answer;
        try
        {
            answer = await _session.GetAsync(name, range, etag: null, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (S3Faults.IsMissing(error))
        {
            Succeeded();
            return null;
        }
        catch (Exception error) when (S3Faults.IsOutOfRange(error))
        {
            // What the caller expects to read is beyond the end; what it will read may not be.
            return await FindAsync(key, cancellationToken).ConfigureAwait(false) is { } found ? NewReader(name, found, begin: null) : null;
        }
        Succeeded();
        try
        {
            return Begin(key, name, answer);
        }
        catch
        {
            answer.Dispose();
            throw;
        }
    }

    private IBlobReader Begin(BlobKey key, string name, GetObjectResponse answer)
    {
        var (offset, length, total) = (0L, answer.Headers.ContentLength, answer.Headers.ContentLength);
        if (!string.IsNullOrEmpty(answer.ContentRange))
        {
            if (!ContentRangeHeaderValue.TryParse(answer.ContentRange, out var part) || part is not { From: { } first, To: { } last, Length: { } whole })
                throw new IOException($"{_options.ServerName} answered a range that can't be read.");
            (offset, length, total) = (first, last - first + 1, whole);
        }
        var headers = new ObjectHeaders(total, answer.ETag, ToTime(answer.LastModified), answer.Headers.ContentType, answer.Headers.ContentEncoding, n => answer.Metadata[n]);
        return NewReader(name, StoredObject.Read(key, headers, answer.ServerSideEncryptionMethod?.Value), reader => reader.Begin(answer, offset, length));
    }

    /// <summary>Asks what a key has now; null for nothing.</summary>
    private async Task<StoredObject?> FindAsync(BlobKey key, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await _session.HeadAsync(_names.Of(key), cancellationToken).ConfigureAwait(false);
            Succeeded();
            var headers = new ObjectHeaders(answer.Headers.ContentLength, answer.ETag, ToTime(answer.LastModified), answer.Headers.ContentType, answer.Headers.ContentEncoding, n => answer.Metadata[n]);
            return StoredObject.Read(key, headers, answer.ServerSideEncryptionMethod?.Value);
        }
        catch (Exception error) when (S3Faults.IsMissing(error))
        {
            await CheckBucketAsync(cancellationToken).ConfigureAwait(false);
            Succeeded();
            return null;
        }
    }

    /// <summary>The answer to a HEAD has no body, so a bucket that is missing looks like an object that is.</summary>
    private async Task CheckBucketAsync(CancellationToken cancellationToken)
    {
        var seen = Volatile.Read(ref _bucketSeen);
        if (seen != long.MinValue && _time.GetElapsedTime(seen) < BucketMemory)
            return;
        try
        {
            await _session.HeadBucketAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (AmazonServiceException error) when (error.StatusCode == HttpStatusCode.NotFound)
        {
            throw new AmazonS3Exception(error.Message, error, ErrorType.Sender, "NoSuchBucket", error.RequestId, error.StatusCode);
        }
        catch (AmazonServiceException error) when (error.StatusCode == HttpStatusCode.Forbidden)
        {
            // A key that may read objects and not list them: the bucket is there.
        }
    }

    private async Task<ListObjectsV2Response> ListPageAsync(string begins, string? after, string? continuation, CancellationToken cancellationToken)
    {
        try
        {
            var page = await _session.ListAsync(begins, after, continuation, pageLength: null, cancellationToken).ConfigureAwait(false);
            Succeeded();
            return page;
        }
        catch (Exception error) when (IsExpected(error, cancellationToken))
        {
            throw new IOException(Fail<BlobMetadata>(error).Detail, error);
        }
    }

    private bool IsExpected(Exception error, CancellationToken cancellationToken) =>
        (S3Faults.IsExpected(error) && !(error is OperationCanceledException && cancellationToken.IsCancellationRequested)) || (_closed && error is ObjectDisposedException);

    private Outcome<T> Fail<T>(Exception error)
        where T : class
    {
        var detail = _closed ? "The store is closed." : S3Faults.Explain(error, _options);
        var status = S3Faults.StatusOf(error);
        if (status != StoreStatus.TooLarge && Interlocked.Exchange(ref _fault, detail) != detail)
            LogFault(error, detail);
        return Outcome<T>.Fail(status, detail);
    }

    private void Succeeded()
    {
        Volatile.Write(ref _bucketSeen, _time.GetTimestamp());
        if (_fault is not null && Interlocked.Exchange(ref _fault, null) is not null)
            LogRecovered(_options.ServerName);
    }

    private static DateTimeOffset ToTime(DateTime? time) => time is { } known ? new DateTimeOffset(known.ToUniversalTime()) : DateTimeOffset.UnixEpoch;

    [LoggerMessage(LogLevel.Error, "The far store fails: {Detail}")]
    private partial void LogFault(Exception error, string detail);

    [LoggerMessage(LogLevel.Information, "{Server} answers again")]
    private partial void LogRecovered(string server);
}
