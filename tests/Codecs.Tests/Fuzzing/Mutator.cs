using System.Buffers.Binary;
using EdgeCache.Codecs.Frames;
using EdgeCache.Codecs.Lz4;
using EdgeCache.Codecs.Zstd;
using EdgeCache.TestKit;

namespace EdgeCache.Codecs.Tests.Fuzzing;

/// <summary>
/// Makes payloads that are nearly right: whole ones of ours, frames put together by hand from headers and blocks, tables; then changes what a decoder relies on.
/// </summary>
internal sealed class Mutator
{
    private const int MaxLength = 400_000;
    private readonly Random _random;
    private readonly List<byte[]> _zstd = [];
    private readonly List<byte[]> _lz4 = [];
    private readonly byte[] _text = Contents.Text(200_000);

    public Mutator(int seed)
    {
        _random = new Random(seed);
        var (zstd, lz4) = (new ZstdCodec(), new Lz4Codec());
        foreach (var length in (int[])[1, 20, 500, 3000, 70_000, 140_000])
        {
            foreach (var content in (byte[][])[Contents.Text(length), Blobs.Bytes(length), new byte[length], Contents.Mixed(length)])
            {
                _zstd.Add(Payloads.Framed(zstd, content, _random.Next(0, 8)).Payload);
                _zstd.Add(Streams.Encode(zstd, new() { Level = _random.Next(1, 6), Checksum = _random.Next(2) == 0 }, content, 5000, 5000, _random.Next(4)));
                _lz4.Add(Streams.Encode(lz4, new() { Level = _random.Next(1, 6), Checksum = _random.Next(2) == 0, ContentLength = _random.Next(2) == 0 ? length : null }, content, 5000, 5000, _random.Next(4)));
                var whole = new byte[lz4.MaxCompressedLength(length)];
                _lz4.Add(whole[..lz4.Compress(content, whole, 1).Length]);
            }
        }
    }

    public Random Random => _random;

    public byte[] NextZstd()
    {
        var parts = new List<byte>();
        for (var count = _random.Next(1, 4); count > 0 && parts.Count < MaxLength; count--)
            parts.AddRange(_random.Next(3) == 0 ? HandMade() : Pick(_zstd));
        return Mutate([.. parts]);
    }

    public byte[] NextLz4()
    {
        var parts = new List<byte>();
        for (var count = _random.Next(1, 3); count > 0; count--)
            parts.AddRange(_random.Next(8) == 0 ? Skippable() : Pick(_lz4));
        return Mutate([.. parts]);
    }

    /// <summary>A table with the lengths that it is said to be of, changed or not.</summary>
    public (byte[] Table, long ContentLength, long PayloadLength) NextTable()
    {
        var content = (long)_random.Next(1, 6_000_000);
        var lengths = new int[SeekTable.FramesOf(content)];
        for (var i = 0; i < lengths.Length; i++)
            lengths[i] = _random.Next(9, SeekTable.MaxFrameLength(SeekTable.ContentOf(i, content)) + 10);
        var table = new byte[SeekTable.Measure(lengths.Length)];
        SeekTable.Write(lengths, content, table);
        var payload = lengths.Sum(static l => (long)l) + table.Length;
        if (_random.Next(3) == 0)
            table = Mutate(table);
        if (_random.Next(4) == 0)
            content = Odd(content);
        if (_random.Next(4) == 0)
            payload = Odd(payload);
        return (table, content, payload);
    }

    private byte[] Pick(List<byte[]> corpus) => corpus[_random.Next(corpus.Count)];

    private long Odd(long number) => _random.Next(5) switch
    {
        0 => number + _random.Next(-3, 4),
        1 => -number,
        2 => long.MaxValue - _random.Next(10),
        3 => number << _random.Next(40),
        _ => _random.NextInt64(),
    };

    private byte[] HandMade()
    {
        if (_random.Next(4) == 0)
            return Skippable();
        var frame = new List<byte> { 0x28, 0xB5, 0x2F, 0xFD, (byte)_random.Next(256) };
        for (var i = _random.Next(14); i > 0; i--)
            frame.Add(_random.Next(3) == 0 ? (byte)_random.Next(256) : (byte)0);
        for (var blocks = _random.Next(1, 6); blocks > 0; blocks--)
        {
            var (type, length) = (_random.Next(4), _random.Next(6) == 0 ? _random.Next(1 << 21) : _random.Next(300));
            var header = (length << 3) | (type << 1) | (blocks == 1 ? 1 : 0);
            frame.AddRange([(byte)header, (byte)(header >> 8), (byte)(header >> 16)]);
            frame.AddRange(_text.AsSpan(_random.Next(1000), type == 1 ? 1 : Math.Min(length, 5000)));
        }
        return [.. frame];
    }

    private byte[] Skippable()
    {
        var length = _random.Next(100);
        var frame = new byte[8 + length];
        BinaryPrimitives.WriteUInt32LittleEndian(frame, 0x184D2A50u + (uint)_random.Next(16));
        BinaryPrimitives.WriteInt32LittleEndian(frame.AsSpan(4), _random.Next(5) == 0 ? _random.Next() : length);
        return frame;
    }

    private byte[] Mutate(byte[] bytes)
    {
        bytes = [.. bytes];
        for (var changes = _random.Next(5); changes > 0 && bytes.Length > 0; changes--)
        {
            var at = _random.Next(2) == 0 ? _random.Next(Math.Min(bytes.Length, 40)) : _random.Next(bytes.Length);
            switch (_random.Next(7))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << _random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)_random.Next(256);
                    break;
                case 2:
                    bytes = bytes[..at];
                    break;
                case 3:
                    bytes = [.. bytes[..at], .. bytes[Math.Min(bytes.Length, at + _random.Next(20))..]];
                    break;
                case 4:
                    bytes = [.. bytes[..at], .. bytes.AsSpan(at, Math.Min(bytes.Length - at, _random.Next(64))), .. bytes[at..]];
                    break;
                case 5 when bytes.Length - at >= 4:
                    BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(at), _random.Next(3) switch { 0 => -1, 1 => int.MaxValue, _ => _random.Next(1 << 21) });
                    break;
                default:
                    _random.NextBytes(bytes.AsSpan(at, Math.Min(bytes.Length - at, _random.Next(200))));
                    break;
            }
        }
        return bytes;
    }
}
