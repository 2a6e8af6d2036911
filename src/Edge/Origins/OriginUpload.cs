using EdgeCache.Storage;

namespace EdgeCache.Edge.Origins;

/// <summary>A PUT under way, whose content goes out as it comes.</summary>
internal sealed class OriginUpload : IAsyncDisposable
{
    private readonly OriginClient _client;
    private readonly HeldContent _content;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task<OriginAnswer> _call;

    /// <summary>Begins the call. The server is asked first whether it wants the content (Expect: 100-continue), so that a refusal costs little.</summary>
    public OriginUpload(OriginClient client, BlobKey key, long? length, Action<HttpRequestMessage, HttpContent> prepare)
    {
        _client = client;
        _content = new HeldContent(length);
        _call = client.SendAsync(
            HttpMethod.Put,
            key,
            request =>
            {
                prepare(request, _content);
                request.Headers.ExpectContinue = true;
            },
            () => !_content.IsStarted,
            Timeout.InfiniteTimeSpan,
            _stop.Token);
    }

    /// <summary>Sends bytes, which must stay as they are until this has ended well or the upload is disposed.</summary>
    /// <returns>Null when they are on their way; the answer, when it came instead.</returns>
    public async Task<OriginAnswer?> PushAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var taken = _content.OfferAsync(content);
        var first = await Task.WhenAny(taken, _call).WaitAsync(_client.Target.Timeout, _client.Time, cancellationToken);
        return first == taken ? null : await _call;
    }

    /// <summary>Sends the last bytes and waits for the answer.</summary>
    public async Task<OriginAnswer> CompleteAsync(ReadOnlyMemory<byte> content)
    {
        if (await PushAsync(content, CancellationToken.None) is { } early)
            return early;
        _content.End();
        return await _call.WaitAsync(_client.Target.Timeout, _client.Time);
    }

    public async ValueTask DisposeAsync()
    {
        _content.GiveUp();
        await _stop.CancelAsync();
        try
        {
            using var answer = await _call;
        }
        catch (Exception error) when (OriginFaults.IsExpected(error))
        {
            // Whoever was waiting for it has been told.
        }
        await _content.WhenIdle;
        _stop.Dispose();
    }
}
