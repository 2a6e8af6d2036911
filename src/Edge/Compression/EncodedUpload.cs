using System.Buffers;
using EdgeCache.Codecs;
using EdgeCache.Codecs.Frames;
using EdgeCache.Storage;

namespace EdgeCache.Edge.Compression;

/// <summary>
/// An upload in a coding: what comes in is decoded piece by piece, and handed to the store. A zstd frame that is in the store's own form goes with its content, so that the store need
/// not make it anew. Holds a frame and a piece of content in memory, whatever comes in.
/// </summary>
internal sealed class EncodedUpload : IDisposable
{
    private const int PieceLength = 64 * 1024;

    /// <summary>Most that may come for each byte of content that may be, and beside that: what holds no content must not come for ever.</summary>
    private const int MostForOne = 2;
    private const int MostBeside = 64 * 1024;

    private readonly ContentCoding _coding;
    private readonly StreamDecoder? _decoder;
    private readonly FrameInput? _frames;
    private readonly long _maxReceived;
    private readonly Slots _slots;
    private byte[]? _piece;

    private EncodedUpload(ContentCoding coding, StreamDecoder? decoder, FrameInput? frames, long maxLength, Slots slots)
    {
        (_coding, _decoder, _frames, _slots) = (coding, decoder, frames, slots);
        _maxReceived = maxLength > (long.MaxValue - MostBeside) / MostForOne ? long.MaxValue : (maxLength * MostForOne) + MostBeside;
        _piece = ArrayPool<byte>.Shared.Rent(PieceLength);
    }

    /// <summary>Bytes that have come in.</summary>
    public long Received { get; private set; }

    /// <summary>Why it can't go on, as a sentence for the client, where it is the client's doing.</summary>
    public string? Fault { get; private set; }

    /// <summary>Begins one, in a place that has been taken and is given back at the end.</summary>
    public static EncodedUpload OfFrames(FrameInput frames, long maxLength, Slots slots) => new(ContentCoding.Zstd, null, frames, maxLength, slots);

    /// <summary>As <see cref="OfFrames"/>.</summary>
    public static EncodedUpload Of(ContentCoding coding, StreamDecoder decoder, long maxLength, Slots slots) => new(coding, decoder, null, maxLength, slots);

    /// <summary>Decodes what has come in, and writes what comes of it.</summary>
    /// <returns>
    /// <see cref="StoreStatus.Ok"/>; <see cref="StoreStatus.TooLarge"/>; <see cref="StoreStatus.DigestMismatch"/> with a <see cref="Fault"/> when it is not valid;
    /// <see cref="StoreStatus.Unavailable"/> when too much else is being decoded; or what the store says.
    /// </returns>
    public async ValueTask<StoreStatus> WriteAsync(ReadOnlyMemory<byte> source, IBlobWriter writer, CancellationToken cancellationToken)
    {
        Received += source.Length;
        if (Received > _maxReceived)
            return StoreStatus.TooLarge;
        while (true)
        {
            var status = Take(ref source, out var content, out var frame);
            if (status is not (CodecStatus.Ok or CodecStatus.NeedsInput))
                return Explain(status);
            if (content.Length > 0)
            {
                var written = frame.IsEmpty ? await writer.WriteAsync(content, cancellationToken) : await writer.WriteFrameAsync(content, frame, cancellationToken);
                if (written != StoreStatus.Ok)
                    return written;
            }
            if (status == CodecStatus.NeedsInput)
                return StoreStatus.Ok;
        }
    }

    /// <summary>Ends the upload.</summary>
    /// <returns>As <see cref="WriteAsync"/>; not good when it ends in the middle.</returns>
    public StoreStatus End() => _frames?.IsComplete ?? _decoder!.IsComplete ? StoreStatus.Ok : Explain(CodecStatus.NeedsInput);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _piece, null) is not { } piece)
            return;
        ArrayPool<byte>.Shared.Return(piece);
        _decoder?.Dispose();
        _frames?.Dispose();
        _slots.Return();
    }

    /// <summary>Takes source until there is content, and says <see cref="CodecStatus.Ok"/> when there may be more in what is left.</summary>
    private CodecStatus Take(ref ReadOnlyMemory<byte> source, out ReadOnlyMemory<byte> content, out ReadOnlyMemory<byte> frame)
    {
        if (_frames is not null)
        {
            var left = source.Span;
            var status = _frames.Take(ref left);
            source = source[^left.Length..];
            (content, frame) = (_frames.Content, _frames.Frame);
            return status;
        }
        var step = _decoder!.Decode(source.Span, _piece);
        source = source[step.Consumed..];
        (content, frame) = (_piece.AsMemory(0, step.Produced), default);
        return step.Status == CodecStatus.NeedsOutput ? CodecStatus.Ok : step.Status;
    }

    private StoreStatus Explain(CodecStatus status)
    {
        var name = ContentCodings.NameOf(_coding);
        switch (status)
        {
            case CodecStatus.TooLarge:
                return StoreStatus.TooLarge;
            case CodecStatus.Busy or CodecStatus.OutOfMemory or CodecStatus.Unavailable:
                return StoreStatus.Unavailable;
            case CodecStatus.DictionaryNeeded:
                Fault = $"The {name} content was made with a dictionary, which is not supported.";
                break;
            case CodecStatus.WindowTooLarge:
                Fault = $"The {name} content asks for a window of more than 8 MiB (RFC 8878, section 3.1.1.1.2).";
                break;
            case CodecStatus.NeedsInput:
                Fault = $"The {name} content ends in the middle.";
                break;
            default:
                Fault = $"The content is not valid {name}, or something follows it.";
                break;
        }
        return StoreStatus.DigestMismatch;
    }
}
