using static EdgeCache.Codecs.Zstd.LibZstd;

namespace EdgeCache.Codecs.Zstd;

/// <summary>One frame, written as its content comes.</summary>
internal sealed class ZstdEncoder(ZstdCodec codec, CompressorHandle context) : StreamEncoder
{
    private CompressorHandle? _context = context;

    public override unsafe CodecStep Encode(ReadOnlySpan<byte> source, Span<byte> destination, EncodeMode mode)
    {
        ObjectDisposedException.ThrowIf(_context is null, this);
        fixed (byte* from = source, to = destination)
        {
            var input = new LibZstd.Buffer { Start = from, Length = (nuint)source.Length };
            var output = new LibZstd.Buffer { Start = to, Length = (nuint)destination.Length };
            while (true)
            {
                var left = CompressStream(_context, ref output, ref input, (int)mode);
                var status = StatusOf(left);
                var isDone = mode == EncodeMode.Continue ? input.Position == input.Length : left == 0;
                if (status == CodecStatus.Ok && !isDone && output.Position < output.Length)
                    continue;
                if (status == CodecStatus.Ok && !isDone)
                    status = CodecStatus.NeedsOutput;
                return new(status, (int)input.Position, (int)output.Position);
            }
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (Interlocked.Exchange(ref _context, null) is { } context)
            codec.ReturnEncoder(context);
    }
}
