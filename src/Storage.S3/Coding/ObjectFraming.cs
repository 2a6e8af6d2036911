using System.Buffers;
using System.Runtime.InteropServices;
using EdgeCache.Codecs.Choosing;
using EdgeCache.Codecs.Frames;

namespace EdgeCache.Storage.S3.Coding;

/// <summary>Content on its way to frames: gathered until there is enough for one, judged by the first, and at the end the table. Holds one piece of content and one frame.</summary>
/// <param name="compression">The store's.</param>
/// <param name="name">The blob's namespace.</param>
/// <param name="policy">What is asked for in it.</param>
/// <param name="length">Length of the whole content in bytes, where it is known.</param>
internal sealed class ObjectFraming(ObjectCompression compression, string name, CompressionPolicy policy, long? length) : IDisposable
{
    private const int FirstLength = 64 * 1024;

    private readonly List<int> _lengths = [];

    // Memory for what has come: an announced length sizes little.
    private byte[] _gathered = ArrayPool<byte>.Shared.Rent((int)Math.Min(length ?? FirstLength, FirstLength));
    private byte[]? _frame;
    private int _gatheredLength;
    private long _contentLength;
    private long _payloadLength;
    private CompressionChoice _choice;
    private bool _isDisposed;

    /// <summary>Whether the payload is frames. Decided by the first piece.</summary>
    public bool HasFrames { get; private set; }

    public bool IsFull => _gatheredLength == SeekTable.FrameContentLength;

    public bool IsEmpty => _gatheredLength == 0;

    /// <summary>Takes content for the next frame.</summary>
    /// <returns>How much, in bytes.</returns>
    public int Take(ReadOnlySpan<byte> content)
    {
        var taken = Math.Min(content.Length, SeekTable.FrameContentLength - _gatheredLength);
        if (_gatheredLength + taken > _gathered.Length)
            Grow();
        content[..taken].CopyTo(_gathered.AsSpan(_gatheredLength));
        _gatheredLength += taken;
        return taken;
    }

    /// <summary>
    /// Makes a frame of what has been gathered. What is given out is good until the next call. How an upload in parts is to be read must be said before its first part: where the length of the
    /// content is not known, there are frames only if one is enough.
    /// </summary>
    /// <param name="isLast">Whether this is all that is left of the content.</param>
    /// <returns>The frame; or, the first time, the content as it was gathered, where there are to be none (<see cref="HasFrames"/>).</returns>
    public ReadOnlyMemory<byte> EndPiece(bool isLast)
    {
        var content = _gathered.AsMemory(0, _gatheredLength);
        _contentLength += _gatheredLength;
        _gatheredLength = 0;
        if (!HasFrames)
            _choice = length is null && !isLast ? new(CompressionMethod.Identity, 0, CompressionReason.Off) : compression.Chooser.Choose(name, content.Span, policy);
        if (!HasFrames && _choice.Method == CompressionMethod.Identity)
            return content;
        var room = FrameCompressor.Measure(compression.Zstd, content.Length);
        if (_frame?.Length < room)
        {
            ArrayPool<byte>.Shared.Return(_frame);
            _frame = null;
        }
        _frame ??= ArrayPool<byte>.Shared.Rent(room);
        var level = HasFrames ? compression.Chooser.LevelNow(policy.Level) : _choice.Level;
        var made = FrameCompressor.Compress(compression.Zstd, content.Span, _frame, level, out var status);
        if (!HasFrames)
        {
            _choice = CompressionChooser.Judge(_choice, content.Length, made, status);
            if (_choice.Method == CompressionMethod.Identity)
                return content;
        }
        HasFrames = true;
        _lengths.Add(made);
        _payloadLength += made;
        return _frame.AsMemory(0, made);
    }

    /// <summary>The table, which ends the payload. What was chosen is noted, for the next blobs of the namespace.</summary>
    public byte[] EndFrames()
    {
        var table = new byte[SeekTable.Measure(_lengths.Count)];
        SeekTable.Write(CollectionsMarshal.AsSpan(_lengths), _contentLength, table);
        _payloadLength += table.Length;
        compression.Chooser.Note(name, _choice, _contentLength, _payloadLength);
        return table;
    }

    /// <summary>Notes that the blob is stored as it is.</summary>
    public void NoteIdentity() => compression.Chooser.Note(name, _choice, _contentLength, _contentLength);

    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        ArrayPool<byte>.Shared.Return(_gathered);
        if (_frame is not null)
            ArrayPool<byte>.Shared.Return(_frame);
        compression.End();
    }

    private void Grow()
    {
        var larger = ArrayPool<byte>.Shared.Rent(SeekTable.FrameContentLength);
        _gathered.AsSpan(0, _gatheredLength).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_gathered);
        _gathered = larger;
    }
}
