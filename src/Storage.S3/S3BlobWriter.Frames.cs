using EdgeCache.Storage.S3.Coding;

namespace EdgeCache.Storage.S3;

/// <content>How content becomes frames, where it is to be stored as zstd and shrinks.</content>
internal sealed partial class S3BlobWriter
{
    /// <summary>Takes content, which goes into the object as it is, or by way of frames.</summary>
    private async ValueTask<StoreStatus> FrameAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        while (content.Length > 0 && _framing is { } framing)
        {
            if (framing.IsFull && await EndPieceAsync(framing, isLast: false, cancellationToken).ConfigureAwait(false) is var status && status != StoreStatus.Ok)
                return status;
            if (_framing is not null)
                content = content[framing.Take(content.Span)..];
        }
        return await AppendAsync(content, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<StoreStatus> EndPieceAsync(ObjectFraming framing, bool isLast, CancellationToken cancellationToken)
    {
        var payload = framing.EndPiece(isLast);
        // What the object is to be is written down with its first part.
        _isFramed = framing.HasFrames;
        var status = await AppendAsync(payload, cancellationToken).ConfigureAwait(false);
        if (!_isFramed)
        {
            framing.NoteIdentity();
            EndFraming();
        }
        return status;
    }

    /// <summary>The last frame, and the table.</summary>
    private async ValueTask<StoreStatus> EndFramesAsync()
    {
        if (_framing is not { } framing)
            return StoreStatus.Ok;
        try
        {
            if (!framing.IsEmpty && await EndPieceAsync(framing, isLast: true, CancellationToken.None).ConfigureAwait(false) is var status && status != StoreStatus.Ok)
                return status;
            var ended = _isFramed ? await AppendAsync(framing.EndFrames(), CancellationToken.None).ConfigureAwait(false) : StoreStatus.Ok;
            EndFraming();
            return ended;
        }
        catch (Exception error) when (store.IsExpectedFault(error, CancellationToken.None))
        {
            return _refused = store.OnWriteFault(error);
        }
    }

    private void EndFraming()
    {
        _framing?.Dispose();
        _framing = null;
    }
}
