using System.Buffers;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using EdgeCache.Codecs;
using EdgeCache.Codecs.Choosing;
using EdgeCache.Codecs.Frames;
using EdgeCache.Codecs.Zstd;
using EdgeCache.Storage.Local.Format;

namespace EdgeCache.Storage.Local.Compressing;

/// <summary>
/// Content on its way to frames: what has been gathered for the next, what is being compressed meanwhile, how long the frames before are, and of one of those, for whoever reads back, the content
/// again. Holds at most three pieces of a frame's content, and a frame that came with its content.
/// </summary>
/// <remarks>What readers share with the writer is changed under the writer's lock.</remarks>
internal sealed class FrameStage : IDisposable
{
    /// <summary>Content so short is held in memory anyway.</summary>
    private const int FreeRoom = 64 * 1024;

    /// <summary>So many first bytes say whether it is worth the wait for the rest of the piece.</summary>
    private const int HeadLength = 128 * 1024;

    /// <summary>The level where nothing may be lost to waiting.</summary>
    private const int Quick = 1;

    /// <summary>What levels up to 5 do at least, until it has been measured.</summary>
    private const long AssumedBytesPerMicrosecond = 100;

    /// <summary>Content that comes faster is not compressed at once, if it need not be: <see cref="Quick"/> does two to three times as much, on a processor of which the client has its share.</summary>
    private const long QuickBytesPerMicrosecond = 150;

    private readonly StoreCompression _compression;
    private readonly CompressionPolicy _policy;
    private readonly List<int> _lengths = [];

    // Not for what turns out to be stored as it is.
    private IncrementalHash? _digest;
    private byte[] _gathered;
    private readonly bool _hasPlace;

    /// <summary>Nobody waits: the content is that of a stored blob.</summary>
    private readonly bool _isRewritten;
    private CompressingFrame? _turned;
    private byte[]? _received;
    private int _receivedLength;
    private byte[]? _decoded;
    private int _decodedLength;
    private bool _hasLooked;
    private long _workEnded;
    private TimeSpan _waited;
    private TimeSpan? _takesAtLevel;
    private long _lastFrame;
    private long _lastStart;

    private FrameStage(StoreCompression compression, CompressionPolicy policy, int room, bool hasPlace, bool isRewritten)
    {
        _compression = compression;
        _policy = policy;
        _hasPlace = hasPlace;
        _isRewritten = isRewritten;
        _gathered = ArrayPool<byte>.Shared.Rent(room);
    }

    /// <summary>Whether there are frames: decided by the first.</summary>
    public bool IsDecided { get; set; }

    /// <summary>Whether what is gathered is written as it is at the same time, because it will most likely stay so.</summary>
    public bool IsWrittenAhead { get; private set; }

    /// <summary>Content in frames that are written, in bytes; what comes after it has been gathered. The last frame's content stays here, for those who read back.</summary>
    public long WrittenLength { get; private set; }

    public int GatheredLength { get; private set; }

    /// <summary>Content of the frame that is being compressed, between <see cref="WrittenLength"/> and what has been gathered, in bytes; 0 when none is.</summary>
    public int TurnedLength { get; private set; }

    /// <summary>Content that is in no written frame yet, in bytes.</summary>
    public int UnwrittenLength => TurnedLength + GatheredLength;

    public long ContentLength => WrittenLength + UnwrittenLength;

    public bool IsFull => GatheredLength == SeekTable.FrameContentLength;

    /// <summary>Whether all of the content will be here as one piece, at the end.</summary>
    public bool IsShort => !_hasPlace;

    public ReadOnlySpan<byte> Gathered => _gathered.AsSpan(0, GatheredLength);

    /// <summary>Room that a frame of what has been gathered may take, in bytes.</summary>
    public int FrameRoom => Math.Max(_receivedLength, FrameCompressor.Measure(_compression.Zstd, GatheredLength));

    public int TableLength => checked((int)SeekTable.Measure(_lengths.Count));

    public Sha256Digest? PayloadDigest { get; private set; }

    /// <summary>Held by whoever decodes a frame, or copies from it.</summary>
    public SemaphoreSlim Decoding { get; } = new(1, 1);

    /// <summary>The frame that is decoded; -1 for none.</summary>
    public long DecodedFrame { get; private set; } = -1;

    /// <summary>A stage for a blob, or none where it is clear already that it is stored as it is, with the reason.</summary>
    public static (FrameStage? Stage, CompressionChoice Choice) For(StoreCompression compression, BlobMetadata draft, PutOptions options, bool isRewritten)
    {
        var policy = compression.PolicyOf(draft.Key.Namespace);
        if (!policy.IsEnabled)
            return (null, new(CompressionMethod.Identity, 0, CompressionReason.Off));
        if (!compression.Zstd.IsAvailable)
            return (null, new(CompressionMethod.Identity, 0, CompressionReason.Unavailable));
        if (options.ExpectedLength < policy.MinLength || BlobHeader.Measure(Coded(draft)) > BlobFile.MaxHeaderLength)
            return (null, new(CompressionMethod.Identity, 0, CompressionReason.TooSmall));
        var room = (int)Math.Clamp(options.ExpectedLength ?? SeekTable.FrameContentLength, 1, SeekTable.FrameContentLength);
        var needsPlace = room > FreeRoom;
        return needsPlace && !compression.TryBeginStage()
            ? (null, !isRewritten && compression.Deferred.HasRoom ? Deferred : new(CompressionMethod.Identity, 0, CompressionReason.Busy))
            : (new FrameStage(compression, policy, room, needsPlace, isRewritten), default);
    }

    /// <summary>What is known beforehand of a blob in frames.</summary>
    public static BlobMetadata Coded(BlobMetadata draft) => draft with { Coding = ZstdCodec.CodingName };

    /// <summary>Content has come. The time since <see cref="EndWork"/> was not the store's: whoever writes spent it waiting for content, or on it.</summary>
    public void BeginWork()
    {
        if (_workEnded != 0)
            _waited += _compression.Time.GetElapsedTime(_workEnded);
    }

    /// <summary>What has come is taken: from here on there is nothing to do until more comes.</summary>
    public void EndWork() => _workEnded = _compression.Time.GetTimestamp();

    /// <summary>Takes content for the frame that is being gathered.</summary>
    /// <param name="content">Content; what does not fit is left.</param>
    /// <param name="frame">The frame that all of this content came in; empty for none.</param>
    /// <returns>How much was taken, in bytes.</returns>
    public int Take(ReadOnlySpan<byte> content, ReadOnlySpan<byte> frame)
    {
        var taken = Math.Min(content.Length, SeekTable.FrameContentLength - GatheredLength);
        // A frame stands for what was gathered as long as that is the frame's content and nothing else.
        _receivedLength = 0;
        if (GatheredLength == 0 && taken == content.Length && frame.Length > 0 && frame.Length <= SeekTable.MaxFrameLength(taken))
        {
            _received ??= ArrayPool<byte>.Shared.Rent(SeekTable.MaxFrameLength(SeekTable.FrameContentLength));
            frame.CopyTo(_received);
            _receivedLength = frame.Length;
        }
        content[..taken].CopyTo(_gathered.AsSpan(GatheredLength));
        GatheredLength += taken;
        return taken;
    }

    /// <summary>
    /// Looks once at the first bytes, as soon as there are enough: whoever waits for the rest of the first piece with content that will not shrink has the disk wait too. The choice, where
    /// they decide it; null otherwise, and then <see cref="IsWrittenAhead"/> says what is likely.
    /// </summary>
    public CompressionChoice? Look(string name)
    {
        if (_hasLooked || IsDecided || _receivedLength > 0 || GatheredLength < HeadLength)
            return null;
        _hasLooked = true;
        if (_compression.Chooser.ChooseEarly(name, Gathered) is { } choice)
            return choice;
        IsWrittenAhead = CompressionChooser.IsNoise(Gathered);
        return !IsWrittenAhead && IsToBeDeferred ? Deferred : null;
    }

    /// <summary>What is to be done with the blob, by what has been gathered of it.</summary>
    public CompressionChoice Choose(string name)
    {
        if (_receivedLength > 0 && GatheredLength >= _policy.MinLength && _receivedLength <= GatheredLength * CompressionChooser.WorstRatio)
            return new(CompressionMethod.Zstd, 0, CompressionReason.AsReceived);
        var policy = IsFasterThanLevel ? _policy with { Level = Quick } : _policy;
        var choice = _hasLooked ? _compression.Chooser.ChooseLate(name, Gathered, policy) : _compression.Chooser.Choose(name, Gathered, policy);
        if (_isRewritten)
            return choice.Reason == CompressionReason.Pressure ? new(CompressionMethod.Zstd, policy.Level, CompressionReason.Trial) : choice with { Level = choice.Level > 0 ? policy.Level : 0 };
        return (choice.Method == CompressionMethod.Zstd || choice.Reason == CompressionReason.Pressure) && IsToBeDeferred ? Deferred : choice;
    }

    /// <summary>What is gathered is not to be written but as a frame.</summary>
    public void EndAhead() => IsWrittenAhead = false;

    /// <summary>Makes the frame of what has been gathered.</summary>
    /// <param name="room">Where to; at least <see cref="FrameRoom"/> bytes.</param>
    /// <param name="choice">The choice, which the first frame may still change.</param>
    /// <returns>The frame's length in bytes.</returns>
    public int Compress(Span<byte> room, ref CompressionChoice choice)
    {
        if (_receivedLength > 0 && (IsDecided || choice.Reason == CompressionReason.AsReceived))
        {
            _received.AsSpan(0, _receivedLength).CopyTo(room);
            return _receivedLength;
        }
        var level = IsDecided ? NextLevel : choice.Level;
        var began = _compression.Time.GetTimestamp();
        var length = FrameCompressor.Compress(_compression.Zstd, Gathered, room, level, out var status);
        if (IsFull)
            NoteTime(level, status, _compression.Time.GetElapsedTime(began));
        if (!IsDecided)
            choice = CompressionChooser.Judge(choice, GatheredLength, length, status);
        return length;
    }

    /// <summary>
    /// Has what was gathered compressed on another thread, where one is free, while the content of the next frame is gathered. Only of a blob that is decided, when a frame's content is here, and
    /// it came in no frame of its own; the one before must have been taken.
    /// </summary>
    public void Turn()
    {
        _turned ??= new CompressingFrame(_compression);
        var level = NextLevel;
        (_turned.Content, _gathered) = (_gathered, _turned.Content);
        (TurnedLength, GatheredLength) = (GatheredLength, 0);
        _waited = TimeSpan.Zero;
        _turned.Begin(TurnedLength, level);
    }

    /// <summary>The frame of what was turned, when it is done: to be written, and then ended. It stays as it is until the next <see cref="Turn"/>.</summary>
    public ReadOnlySpan<byte> TakeTurned()
    {
        _turned!.Finish();
        NoteTime(_turned.Level, _turned.Status, _turned.Took);
        return _turned.Frame;
    }

    /// <summary>The frame of what was turned has been written.</summary>
    public void EndTurned()
    {
        _lengths.Add(_turned!.Frame.Length);
        WrittenLength += TurnedLength;
        TurnedLength = 0;
    }

    public void AddToDigest(ReadOnlySpan<byte> payload) => (_digest ??= IncrementalHash.CreateHash(HashAlgorithmName.SHA256)).AppendData(payload);

    /// <summary>The frame has been written.</summary>
    public void EndFrame(int length, bool isLast)
    {
        _lengths.Add(length);
        _receivedLength = 0;
        _waited = TimeSpan.Zero;
        if (isLast)
            return;
        WrittenLength += GatheredLength;
        GatheredLength = 0;
    }

    public void WriteTable(Span<byte> table) => SeekTable.Write(CollectionsMarshal.AsSpan(_lengths), ContentLength, table);

    public void End() => PayloadDigest = new Sha256Digest(_digest!.GetHashAndReset());

    /// <summary>Copies content that is in no written frame yet.</summary>
    public int CopyUnwritten(long offset, Span<byte> target)
    {
        var length = (int)Math.Clamp(ContentLength - offset, 0, target.Length);
        if (length <= 0)
            return 0;
        var at = (int)(offset - WrittenLength);
        if (at >= TurnedLength)
        {
            _gathered.AsSpan(at - TurnedLength, length).CopyTo(target);
            return length;
        }
        length = Math.Min(length, TurnedLength - at);
        _turned!.Content.AsSpan(at, length).CopyTo(target);
        return length;
    }

    /// <summary>Where in the payload a written frame is.</summary>
    public (long Start, int Length) FrameAt(long frame)
    {
        // Whoever reads back reads on: mostly it is one step.
        if (frame < _lastFrame)
            (_lastFrame, _lastStart) = (0, 0);
        for (; _lastFrame < frame; _lastFrame++)
            _lastStart += _lengths[(int)_lastFrame];
        return (_lastStart, _lengths[(int)frame]);
    }

    /// <summary>Decodes a frame, which then is <see cref="DecodedFrame"/>; false when it is not what was written.</summary>
    public bool Decode(long frame, ReadOnlySpan<byte> payload)
    {
        DecodedFrame = -1;
        _decoded ??= ArrayPool<byte>.Shared.Rent(SeekTable.FrameContentLength);
        var result = _compression.Zstd.Decompress(payload, _decoded.AsSpan(0, SeekTable.FrameContentLength));
        if (result.Length != SeekTable.FrameContentLength)
            return false;
        (DecodedFrame, _decodedLength) = (frame, result.Length);
        return true;
    }

    public int CopyDecoded(int offset, Span<byte> target)
    {
        var length = Math.Min(_decodedLength - offset, target.Length);
        _decoded.AsSpan(offset, length).CopyTo(target);
        return length;
    }

    public void Dispose()
    {
        _turned?.Dispose();
        ArrayPool<byte>.Shared.Return(_gathered);
        if (_received is not null)
            ArrayPool<byte>.Shared.Return(_received);
        if (_decoded is not null)
            ArrayPool<byte>.Shared.Return(_decoded);
        if (_hasPlace)
            _compression.EndStage();
        _digest?.Dispose();
        Decoding.Dispose();
    }

    /// <summary>Whether the frame that came with what was gathered stands for it.</summary>
    public bool HasReceivedFrame => _receivedLength > 0;

    /// <summary>
    /// Whether compressing is to wait until there is time: whoever sends faster than it can be done, whatever the level, would be held up, and while the processors are busy all others are. Only of
    /// what would be compressed otherwise.
    /// </summary>
    private bool IsToBeDeferred => !_isRewritten && _compression.Deferred.HasRoom
        && (_compression.Chooser.IsBusy || (GatheredLength >= HeadLength && _waited < TimeSpan.FromMicroseconds(GatheredLength / QuickBytesPerMicrosecond)));

    private static CompressionChoice Deferred => new(CompressionMethod.Identity, 0, CompressionReason.Deferred);

    private int NextLevel => _isRewritten ? _policy.Level : _compression.Chooser.LevelNow(IsFasterThanLevel ? Quick : _policy.Level);

    private void NoteTime(int level, CodecStatus status, TimeSpan took)
    {
        if (status == CodecStatus.Ok && level == _policy.Level)
            _takesAtLevel = took;
    }

    /// <summary>
    /// Whether content comes faster than it could be compressed at the level that is asked for. Whoever has to be waited for loses nothing by it: what he sends meanwhile is here when the frame
    /// is done. Whoever has not is held up, so then it is to be as quick as it can. Short content is not worth the question.
    /// </summary>
    private bool IsFasterThanLevel => _policy.Level > Quick && !_isRewritten && GatheredLength > HeadLength
        && _waited * 2 < (_takesAtLevel ?? TimeSpan.FromMicroseconds(GatheredLength * Math.Max(1, _policy.Level - 4) / AssumedBytesPerMicrosecond));
}
