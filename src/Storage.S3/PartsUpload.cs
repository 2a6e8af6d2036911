using Amazon.S3.Model;

namespace EdgeCache.Storage.S3;

/// <summary>
/// An upload in parts: a few at once, each from memory of the store's that goes back as soon as its part is there. The first failure ends the others.
/// </summary>
internal sealed class PartsUpload : IAsyncDisposable
{
    /// <summary>Most parts that servers take.</summary>
    public const int MaxParts = 10_000;

    private const int MaxParallel = 4;

    private readonly S3Session _session;
    private readonly string _name;
    private readonly string _upload;
    private readonly Action<Exception> _onAbandoned;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _slots = new(MaxParallel, MaxParallel);
    private readonly List<Task<PartETag>> _parts = [];
    private bool _completed;

    private PartsUpload(S3Session session, string name, string upload, Action<Exception> onAbandoned)
    {
        _session = session;
        _name = name;
        _upload = upload;
        _onAbandoned = onAbandoned;
    }

    public int Count => _parts.Count;

    public static async Task<PartsUpload> BeginAsync(S3Session session, string name, BlobMetadata draft, Action<Exception> onAbandoned, CancellationToken cancellationToken) =>
        new(session, name, await session.BeginPartsAsync(name, draft, cancellationToken).ConfigureAwait(false), onAbandoned);

    /// <summary>Uploads a part while the caller goes on. Takes it over, also when it throws.</summary>
    public async ValueTask AddAsync(PartBuffer part, CancellationToken cancellationToken)
    {
        try
        {
            // The part that failed says why; those that were ended because of it don't.
            if ((_parts.Find(p => p.IsFaulted) ?? _parts.Find(p => p.IsCanceled)) is { } failed)
                await failed.ConfigureAwait(false);
            await _slots.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            part.Return();
            throw;
        }
        _parts.Add(SendAsync(_parts.Count + 1, part));
    }

    /// <summary>Makes the object of the parts.</summary>
    /// <returns>Its validator, if the answer has it.</returns>
    public async Task<string?> CompleteAsync(Precondition condition)
    {
        var parts = await Task.WhenAll(_parts).ConfigureAwait(false);
        var answer = await _session.CompletePartsAsync(_name, _upload, parts, condition, CancellationToken.None).ConfigureAwait(false);
        _completed = true;
        return answer.ETag;
    }

    /// <summary>Without a completion, removes the parts: a server keeps and charges them for ever.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);

        // A part that arrives after the abort would stay.
        await Task.WhenAll(_parts).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).ConfigureAwait(false);
        if (!_completed)
            await AbortAsync().ConfigureAwait(false);
        _stop.Dispose();
        _slots.Dispose();
    }

    private async Task<PartETag> SendAsync(int number, PartBuffer part)
    {
        try
        {
            return await _session.PutPartAsync(_name, _upload, number, part.OpenRead(), _stop.Token).ConfigureAwait(false);
        }
        catch
        {
            await _stop.CancelAsync().ConfigureAwait(false);
            throw;
        }
        finally
        {
            part.Return();
            _slots.Release();
        }
    }

    private async Task AbortAsync()
    {
        try
        {
            await _session.AbortPartsAsync(_name, _upload, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception error) when (S3Faults.IsExpected(error))
        {
            // The upload is unknown when a completion whose answer was lost has succeeded.
            if (error is not Amazon.Runtime.AmazonServiceException { ErrorCode: "NoSuchUpload" })
                _onAbandoned(error);
        }
    }
}
