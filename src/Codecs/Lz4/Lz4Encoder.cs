using EdgeCache.Codecs.Pooling;
using static EdgeCache.Codecs.Lz4.LibLz4;

namespace EdgeCache.Codecs.Lz4;

/// <summary>One frame, written as its content comes.</summary>
internal sealed class Lz4Encoder(ContextPool<Lz4Compressor> pool, Lz4Compressor compressor, Preferences preferences) : StreamEncoder
{
    private Lz4Compressor? _compressor = compressor;
    private Stage _stage;

    // What the library has made and the caller has not had room for yet.
    private int _stagedStart;
    private int _stagedLength;

    private enum Stage
    {
        Header,
        Content,
        Ended,
    }

    public override CodecStep Encode(ReadOnlySpan<byte> source, Span<byte> destination, EncodeMode mode)
    {
        ObjectDisposedException.ThrowIf(_compressor is null, this);
        var (consumed, produced) = (0, 0);
        var isFlushed = false;
        while (true)
        {
            produced += Drain(destination[produced..]);
            if (_stagedLength > 0)
                return new(CodecStatus.NeedsOutput, consumed, produced);
            var part = source.Slice(consumed, Math.Min(source.Length - consumed, Lz4Compressor.StepLength));
            CodecStatus status;
            if (_stage == Stage.Header)
                status = MakeHeader();
            else if (part.Length > 0)
                (status, consumed) = (Make(part), consumed + part.Length);
            else if (mode == EncodeMode.Continue || _stage == Stage.Ended || isFlushed)
                return new(CodecStatus.Ok, consumed, produced);
            else
                (status, isFlushed) = (Make(mode), true);
            if (status != CodecStatus.Ok)
                return new(status, consumed, produced);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (Interlocked.Exchange(ref _compressor, null) is { } compressor)
            pool.Return(compressor, keep: true);
    }

    private int Drain(Span<byte> destination)
    {
        var length = Math.Min(_stagedLength, destination.Length);
        _compressor!.Staged.AsSpan(_stagedStart, length).CopyTo(destination);
        _stagedStart += length;
        _stagedLength -= length;
        return length;
    }

    private unsafe CodecStatus MakeHeader()
    {
        _stage = Stage.Content;
        fixed (byte* to = _compressor!.Staged)
            return Keep(Begin(_compressor.Context, to, (nuint)_compressor.Staged.Length, preferences));
    }

    private unsafe CodecStatus Make(ReadOnlySpan<byte> part)
    {
        fixed (byte* from = part, to = _compressor!.Staged)
            return Keep(Update(_compressor.Context, to, (nuint)_compressor.Staged.Length, from, (nuint)part.Length, 0));
    }

    private unsafe CodecStatus Make(EncodeMode mode)
    {
        if (mode == EncodeMode.End)
            _stage = Stage.Ended;
        fixed (byte* to = _compressor!.Staged)
        {
            return Keep(mode == EncodeMode.End
                ? End(_compressor.Context, to, (nuint)_compressor.Staged.Length, 0)
                : LibLz4.Flush(_compressor.Context, to, (nuint)_compressor.Staged.Length, 0));
        }
    }

    private CodecStatus Keep(nuint result)
    {
        var status = StatusOf(result);
        (_stagedStart, _stagedLength) = (0, status == CodecStatus.Ok ? (int)result : 0);
        return status;
    }
}
