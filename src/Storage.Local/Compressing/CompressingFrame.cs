using System.Buffers;
using EdgeCache.Codecs;
using EdgeCache.Codecs.Frames;

namespace EdgeCache.Storage.Local.Compressing;

/// <summary>One frame's content at a time, and the frame that is made of it beside its owner.</summary>
internal sealed class CompressingFrame(StoreCompression compression) : WorkBeside
{
    private readonly byte[] _room = ArrayPool<byte>.Shared.Rent(FrameCompressor.Measure(compression.Zstd, SeekTable.FrameContentLength));
    private int _contentLength;
    private int _frameLength;

    /// <summary>The buffer of the content, for <see cref="SeekTable.FrameContentLength"/> bytes: the owner's to change while nothing is under way.</summary>
    public byte[] Content { get; set; } = ArrayPool<byte>.Shared.Rent(SeekTable.FrameContentLength);

    public int Level { get; private set; }

    public CodecStatus Status { get; private set; }

    public TimeSpan Took { get; private set; }

    public ReadOnlySpan<byte> Frame => _room.AsSpan(0, _frameLength);

    public void Begin(int contentLength, int level)
    {
        (_contentLength, Level) = (contentLength, level);
        Begin();
    }

    protected override void Do()
    {
        var began = compression.Time.GetTimestamp();
        _frameLength = FrameCompressor.Compress(compression.Zstd, Content.AsSpan(0, _contentLength), _room, Level, out var status);
        (Status, Took) = (status, compression.Time.GetElapsedTime(began));
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        ArrayPool<byte>.Shared.Return(_room);
        ArrayPool<byte>.Shared.Return(Content);
    }
}
