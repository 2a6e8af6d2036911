using EdgeCache.Codecs;
using EdgeCache.Codecs.Frames;

namespace EdgeCache.Bench.Codecs;

/// <summary>A file in pieces of a frame each, compressed and decoded again and again. The best pass counts: what disturbs it can only make it slower.</summary>
internal sealed class Pieces
{
    private readonly byte[] _content;
    private readonly byte[] _payload;
    private readonly byte[] _back = new byte[SeekTable.FrameContentLength];
    private readonly List<(int Start, int Length)> _frames = [];

    public Pieces(FileInfo file)
    {
        _content = File.ReadAllBytes(file.FullName);
        _payload = new byte[_content.Length + (_content.Length / 100) + (1 << 20)];
    }

    public ReadOnlySpan<byte> Content => _content;

    public long PayloadLength => _frames.Sum(f => (long)f.Length);

    /// <summary>MB/s of content of the best pass.</summary>
    public double Compress(ICodec codec, int level, int seconds) => Best(seconds, () =>
    {
        _frames.Clear();
        var at = 0;
        for (var from = 0; from < _content.Length; from += SeekTable.FrameContentLength)
        {
            var piece = _content.AsSpan(from, Math.Min(SeekTable.FrameContentLength, _content.Length - from));
            var made = codec.Compress(piece, _payload.AsSpan(at), level);
            if (!made.IsOk)
                throw new InvalidOperationException($"{codec.Name}: {made.Status}");
            _frames.Add((at, made.Length));
            at += made.Length;
        }
    });

    /// <summary>MB/s of content of the best pass.</summary>
    public double Decompress(ICodec codec, int seconds) => Best(seconds, () =>
    {
        foreach (var (start, length) in _frames)
        {
            if (!codec.Decompress(_payload.AsSpan(start, length), _back).IsOk)
                throw new InvalidOperationException($"{codec.Name} does not read its own frames.");
        }
    });

    private double Best(int seconds, Action pass)
    {
        var (began, best) = (TimeProvider.System.GetTimestamp(), TimeSpan.MaxValue);
        do
        {
            var start = TimeProvider.System.GetTimestamp();
            pass();
            var took = TimeProvider.System.GetElapsedTime(start);
            best = took < best ? took : best;
        }
        while (TimeProvider.System.GetElapsedTime(began).TotalSeconds < seconds);
        return _content.Length / 1e6 / best.TotalSeconds;
    }
}
