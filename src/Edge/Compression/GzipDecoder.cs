using System.IO.Compression;
using EdgeCache.Codecs;

namespace EdgeCache.Edge.Compression;

/// <summary>
/// Reads <c>gzip</c> (RFC 1952), one member or several, with the framework's own library, which by itself passes by what follows the last member, and does not tell
/// whether that was whole. Here both are found out: the library goes back in its source by what it does not take, so a byte that no member begins with, put behind the end, must
/// be given back.
/// </summary>
internal sealed class GzipDecoder : StreamDecoder
{
    private static readonly byte[] NoMember = [0];

    private readonly long _maxLength;
    private readonly Feed _feed = new();
    private GZipStream? _gzip;
    private long _length;
    private bool? _isWhole;
    private CodecStatus _failed;

    /// <summary>Begins to decode.</summary>
    /// <param name="maxLength">Most content to give out, in bytes.</param>
    public GzipDecoder(long maxLength)
    {
        _maxLength = maxLength;
        _gzip = new GZipStream(_feed, CompressionMode.Decompress);
    }

    public override bool IsComplete => _isWhole ??= _failed == CodecStatus.Ok && EndsHere();

    public override long Length => _length;

    public override CodecStep Decode(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        ObjectDisposedException.ThrowIf(_gzip is null, this);
        if (_failed != CodecStatus.Ok)
            return new(_failed, 0, 0);
        var consumed = 0;
        do
        {
            var given = _feed.Fill(source[consumed..]);
            if (ReadSome(destination, out var produced) is var status && status != CodecStatus.Ok)
                return new(_failed = status, consumed, 0);
            consumed += given - _feed.Left;
            if (produced > 0)
                return new(CodecStatus.NeedsOutput, consumed, produced);

            // What it has not taken, or has given back, is behind the last member, and is none.
            if (_feed.Left > 0 || _feed.WasGivenBack)
                return new(_failed = CodecStatus.Corrupt, consumed, 0);
        }
        while (consumed < source.Length);
        return new(CodecStatus.NeedsInput, consumed, 0);
    }

    protected override void Dispose(bool disposing)
    {
        _gzip?.Dispose();
        _gzip = null;
    }

    private CodecStatus ReadSome(Span<byte> destination, out int produced)
    {
        produced = 0;
        try
        {
            // When the limit is reached, one byte of room tells whether there is more.
            Span<byte> beyond = stackalloc byte[1];
            var room = (int)Math.Min(destination.Length, _maxLength - _length);
            produced = _gzip!.Read(room == 0 ? beyond : destination[..room]);
            if (room == 0 && produced > 0)
                return CodecStatus.TooLarge;
            _length += produced;
            return CodecStatus.Ok;
        }
        catch (Exception error) when (error is InvalidDataException or IOException)
        {
            return CodecStatus.Corrupt;
        }
    }

    private bool EndsHere()
    {
        if (_feed.WasGivenBack)
            return false;
        _feed.Fill(NoMember);
        try
        {
            Span<byte> none = stackalloc byte[1];
            return _gzip!.Read(none) == 0 && _feed.WasGivenBack;
        }
        catch (Exception error) when (error is InvalidDataException or IOException)
        {
            return false;
        }
    }

    /// <summary>What there is to read now, as the stream that the library reads.</summary>
    private sealed class Feed : Stream
    {
        private readonly byte[] _bytes = new byte[8 * 1024];
        private int _start;
        private int _end;

        public int Left => _end - _start;

        public bool WasGivenBack { get; private set; }

        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        /// <summary>Takes as much as there is room for.</summary>
        public int Fill(ReadOnlySpan<byte> source)
        {
            (_start, _end) = (0, Math.Min(source.Length, _bytes.Length));
            source[.._end].CopyTo(_bytes);
            return _end;
        }

        public override int Read(Span<byte> buffer)
        {
            var length = Math.Min(buffer.Length, Left);
            _bytes.AsSpan(_start, length).CopyTo(buffer);
            _start += length;
            return length;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override long Seek(long offset, SeekOrigin origin)
        {
            WasGivenBack |= offset < 0;
            return 0;
        }

        public override void Flush()
        {
        }

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
