using System.IO.Compression;
using EdgeCache.Codecs;

namespace EdgeCache.Edge.Compression;

/// <summary>Writes <c>gzip</c> (RFC 1952) with the framework's own library. What that makes of a step is kept until the caller has room for it.</summary>
internal sealed class GzipEncoder : StreamEncoder
{
    /// <summary>Content that is handed to the library at a time, in bytes.</summary>
    private const int StepLength = 32 * 1024;

    /// <summary>A member of nothing (RFC 1952, section 2.3): the library writes none where there was no content, and no bytes are no gzip.</summary>
    private static ReadOnlySpan<byte> EmptyMember => [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    private readonly Slots _slots;
    private readonly MemoryStream _staged = new(StepLength + 1024);
    private GZipStream? _gzip;
    private int _taken;
    private bool _hadContent;
    private bool _isEnded;

    private GzipEncoder(Slots slots)
    {
        _slots = slots;
        _gzip = new GZipStream(_staged, CompressionLevel.Fastest, leaveOpen: true);
    }

    /// <summary>Null when as many are at work as may be.</summary>
    public static GzipEncoder? TryRent(Slots slots) => slots.TryTake() ? new GzipEncoder(slots) : null;

    public override CodecStep Encode(ReadOnlySpan<byte> source, Span<byte> destination, EncodeMode mode)
    {
        ObjectDisposedException.ThrowIf(_gzip is null, this);
        var (consumed, produced, isFlushed) = (0, 0, false);
        while (true)
        {
            produced += Drain(destination[produced..]);
            if (_staged.Length > 0)
                return new(CodecStatus.NeedsOutput, consumed, produced);
            var part = source.Slice(consumed, Math.Min(source.Length - consumed, StepLength));
            if (part.Length > 0)
            {
                _gzip.Write(part);
                consumed += part.Length;
                _hadContent = true;
            }
            else if (mode == EncodeMode.Continue || _isEnded || isFlushed)
            {
                return new(CodecStatus.Ok, consumed, produced);
            }
            else if (mode == EncodeMode.End)
            {
                _gzip.Dispose();
                _isEnded = true;
                if (!_hadContent)
                    _staged.Write(EmptyMember);
            }
            else
            {
                _gzip.Flush();
                isFlushed = true;
            }
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (Interlocked.Exchange(ref _gzip, null) is not { } gzip)
            return;
        gzip.Dispose();
        _slots.Return();
    }

    private int Drain(Span<byte> destination)
    {
        var length = Math.Min((int)_staged.Length - _taken, destination.Length);
        _staged.GetBuffer().AsSpan(_taken, length).CopyTo(destination);
        _taken += length;
        if (_taken == _staged.Length)
        {
            _staged.SetLength(0);
            _taken = 0;
        }
        return length;
    }
}
