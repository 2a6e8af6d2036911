namespace EdgeCache.Storage.Tiering;

/// <summary>
/// Writes into both stores. The content is staged in the local one, so that its length and digest are known before anything goes to the far one; when the local store takes
/// no more, what it has got so far goes to the far one, and the rest as it comes.
/// </summary>
internal sealed class TieredWriter : IBlobWriter
{
    private readonly TieredStore _store;
    private readonly BlobKey _key;
    private readonly PutOptions _options;
    private readonly bool _isBack;
    private IStagedBlobWriter? _staged;
    private readonly BlockChecksumBuilder _checksums = new();
    private IBlobWriter? _direct;
    private long _length;
    private StoreStatus _refused = StoreStatus.Ok;

    /// <summary>A write that is staged here.</summary>
    public TieredWriter(TieredStore store, BlobKey key, PutOptions options, IStagedBlobWriter staged, bool isBack)
    {
        (_store, _key, _options, _staged, _isBack) = (store, key, options, staged, isBack);
    }

    /// <summary>A write that goes past the local store from the beginning.</summary>
    public TieredWriter(TieredStore store, BlobKey key, PutOptions options, IBlobWriter direct)
    {
        (_store, _key, _options, _direct) = (store, key, options, direct);
    }

    public ValueTask<StoreStatus> WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => WriteFrameAsync(content, default, cancellationToken);

    public ValueTask<StoreStatus> WriteFrameAsync(ReadOnlyMemory<byte> content, ReadOnlyMemory<byte> frame, CancellationToken cancellationToken)
    {
        if (_refused != StoreStatus.Ok)
            return new(_refused);
        if (_direct is not null)
            return _direct.WriteAsync(content, cancellationToken);
        var written = frame.IsEmpty ? _staged!.WriteAsync(content, cancellationToken) : _staged!.WriteFrameAsync(content, frame, cancellationToken);
        if (!written.IsCompletedSuccessfully)
            return AwaitAsync(written, content, cancellationToken);
        var status = written.Result;
        if (status != StoreStatus.Ok)
            return TurnAsync(status, content, cancellationToken);
        Note(content.Span);
        return new(status);
    }

    public async ValueTask<Outcome<PutReceipt>> CommitAsync(CancellationToken cancellationToken)
    {
        if (_refused != StoreStatus.Ok)
            return _refused;
        if (_direct is not null)
            return await _store.CommitDirectAsync(_key, _options, _direct, cancellationToken).ConfigureAwait(false);
        var content = _staged!.EndContent();
        if (!content.IsOk)
            return content.Detail is { } detail ? Outcome<PutReceipt>.Fail(content.Status, detail) : content.Status;
        if (_isBack && await _store.CommitBackAsync(_key, _options, _staged, content.Value, cancellationToken).ConfigureAwait(false) is { } receipt)
            return receipt;
        return await _store.CommitThroughAsync(_key, _options, _staged, content.Value with { Checksums = _checksums.End() }, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        if (_direct is not null)
            await _direct.DisposeAsync().ConfigureAwait(false);
        if (_staged is not null)
            await _staged.DisposeAsync().ConfigureAwait(false);
    }

    private async ValueTask<StoreStatus> AwaitAsync(ValueTask<StoreStatus> writing, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var status = await writing.ConfigureAwait(false);
        if (status != StoreStatus.Ok)
            return await TurnAsync(status, content, cancellationToken).ConfigureAwait(false);
        Note(content.Span);
        return status;
    }

    private void Note(ReadOnlySpan<byte> content)
    {
        _length += content.Length;
        _checksums.Append(content);
    }

    /// <summary>The local store has refused: turns to the far one, if that is of any use.</summary>
    private async ValueTask<StoreStatus> TurnAsync(StoreStatus refusal, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        if (refusal is not (StoreStatus.NoSpace or StoreStatus.Unavailable))
            return _refused = refusal;
        var opened = await _store.OpenDirectAsync(_key, _options, cancellationToken).ConfigureAwait(false);
        if (!opened.IsOk)
            return _refused = opened.Status;
        _direct = opened.Value;
        var staged = _staged!;
        if (await StagedContent.CopyAsync(staged, _length, _direct, cancellationToken).ConfigureAwait(false) is var status && status != StoreStatus.Ok)
            return _refused = status;

        // Nothing of it is needed any more, and others wait for its room on the disk.
        _staged = null;
        await staged.DisposeAsync().ConfigureAwait(false);
        return await _direct.WriteAsync(content, cancellationToken).ConfigureAwait(false);
    }
}
