using System.IO.Compression;
using System.Security.Cryptography;
using EdgeCache.Codecs;

namespace EdgeCache.Edge.Compression;

/// <summary>
/// Reads <c>gzip</c> (RFC 1952), one member or several, with the framework's own library, which by itself passes by what follows the last member, and does not tell
/// whether that was whole. Here both are found out: a member of our own is put behind the end. Its content comes out, and nothing else, only if a member may begin there.
/// </summary>
internal sealed class GzipDecoder : StreamDecoder
{
    /// <summary>What nobody can foresee who makes a body.</summary>
    private static readonly byte[] Mark = RandomNumberGenerator.GetBytes(16);
    private static readonly byte[] MarkMember = MakeMember(Mark);

    private readonly long _maxLength;
    private readonly Feed _feed = new();
    private GZipStream? _gzip;
    private long _length;
    private bool _hadInput;
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
        _hadInput |= source.Length > 0;
        do
        {
            var given = _feed.Fill(source[consumed..]);
            if (ReadSome(destination, out var produced) is var status && status != CodecStatus.Ok)
                return new(_failed = status, consumed, 0);
            consumed += given - _feed.Left;
            if (produced > 0)
                return new(CodecStatus.NeedsOutput, consumed, produced);

            // What it does not take is behind the last member, and is none.
            if (_feed.Left > 0)
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
        if (!_hadInput)
            return false;
        _feed.Fill(MarkMember);
        Span<byte> read = stackalloc byte[Mark.Length + 1];
        var length = 0;
        try
        {
            while (length < read.Length && _gzip!.Read(read[length..]) is > 0 and var more)
                length += more;
        }
        catch (Exception error) when (error is InvalidDataException or IOException)
        {
            return false;
        }
        return read[..length].SequenceEqual(Mark);
    }

    private static byte[] MakeMember(byte[] content)
    {
        using var made = new MemoryStream();
        using (var gzip = new GZipStream(made, CompressionLevel.NoCompression))
            gzip.Write(content);
        return made.ToArray();
    }

    /// <summary>What there is to read now, as the stream that the library reads.</summary>
    private sealed class Feed : Stream
    {
        private readonly byte[] _bytes = new byte[8 * 1024];
        private int _start;
        private int _end;

        public int Left => _end - _start;

        public override bool CanRead => true;

        public override bool CanSeek => false;

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

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
