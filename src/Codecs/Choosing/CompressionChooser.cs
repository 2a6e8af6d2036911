using EdgeCache.Codecs.Estimating;
using EdgeCache.Codecs.Frames;

namespace EdgeCache.Codecs.Choosing;

/// <summary>
/// Decides what is compressed, and how hard: by size, by what the first bytes and samples of the content say, by what compressing has gained in the namespace lately, and by
/// how busy the processors are. Safe for concurrent use.
/// </summary>
/// <param name="zstd">The codec.</param>
/// <param name="pressure">How busy the processors are.</param>
public sealed class CompressionChooser(ICodec zstd, ICpuPressure pressure)
{
    /// <summary>Part of the content that is left, from which on compressing is not worth what reading costs then.</summary>
    public const double WorstRatio = 0.9;

    /// <summary>Bits a byte below which content is sure to shrink, and above which it is noise. Between them a trial decides.</summary>
    private const double SureBits = 7.0;
    private const double NoiseBits = 7.97;

    /// <summary>From here on the level is lowered; and from here on nothing is compressed.</summary>
    private const double Busy = 0.75;
    private const double Overloaded = 0.95;

    private readonly NamespaceHistory _history = new();
    private readonly long[] _blobs = new long[Enum.GetValues<CompressionMethod>().Length * ReasonCount];
    private readonly long[] _content = new long[Enum.GetValues<CompressionMethod>().Length * ReasonCount];
    private readonly long[] _payload = new long[Enum.GetValues<CompressionMethod>().Length * ReasonCount];

    private static int ReasonCount { get; } = Enum.GetValues<CompressionReason>().Length;

    /// <summary>Chooses for a blob. What comes of it is to be told to <see cref="Note"/>.</summary>
    /// <param name="name">Its namespace.</param>
    /// <param name="content">Its first piece; all of it, where it is no longer than that.</param>
    /// <param name="policy">What is asked for.</param>
    public CompressionChoice Choose(string name, ReadOnlySpan<byte> content, CompressionPolicy policy)
    {
        if (!policy.IsEnabled)
            return Identity(CompressionReason.Off);
        if (!zstd.IsAvailable)
            return Identity(CompressionReason.Unavailable);
        if (content.IsEmpty || content.Length < policy.MinLength)
            return Identity(CompressionReason.TooSmall);
        return ChooseEarly(name, content) ?? ChooseLate(name, content, policy);
    }

    /// <summary>Chooses by the first bytes of what is longer, as far as they decide: null where the first piece has to be seen, and <see cref="ChooseLate"/> asked then.</summary>
    /// <param name="name">Its namespace.</param>
    /// <param name="head">The first bytes.</param>
    public CompressionChoice? ChooseEarly(string name, ReadOnlySpan<byte> head)
    {
        if (MagicNumbers.IsCompressed(head))
            return Identity(CompressionReason.Magic);
        return _history.IsWorthALook(name, WorstRatio) ? null : Identity(CompressionReason.History);
    }

    /// <summary>Chooses for a blob of which <see cref="ChooseEarly"/> did not know.</summary>
    /// <param name="name">Its namespace.</param>
    /// <param name="content">Its first piece; all of it, where it is no longer than that.</param>
    /// <param name="policy">What is asked for.</param>
    public CompressionChoice ChooseLate(string name, ReadOnlySpan<byte> content, CompressionPolicy policy)
    {
        if (content.Length < policy.MinLength)
            return Identity(CompressionReason.TooSmall);
        var bits = EntropyEstimate.BitsPerByte(content);
        if (bits > NoiseBits)
        {
            _history.Note(name, 1);
            return Identity(CompressionReason.Entropy);
        }
        var level = LevelNow(policy.Level);
        return level == 0 ? Identity(CompressionReason.Pressure)
            : new(CompressionMethod.Zstd, level, bits < SureBits ? CompressionReason.Compressible : CompressionReason.Trial);
    }

    /// <summary>Whether the processors are so busy that the level is lowered.</summary>
    public bool IsBusy => pressure.Current >= Busy;

    /// <summary>Whether bytes are too even to shrink.</summary>
    public static bool IsNoise(ReadOnlySpan<byte> content) => EntropyEstimate.BitsPerByte(content) > NoiseBits;

    /// <summary>The level for the next piece of content: lower when the processors are busy, and 0, not to compress it, when they are overloaded.</summary>
    /// <param name="level">The level that is asked for, from 1.</param>
    public int LevelNow(int level) => pressure.Current switch
    {
        >= Overloaded => 0,
        >= Busy => 1,
        _ => Math.Clamp(level, 1, zstd.MaxLevel),
    };

    /// <summary>What becomes of a choice once the first piece has been compressed.</summary>
    /// <param name="choice">The choice.</param>
    /// <param name="contentLength">Length of the piece, in bytes.</param>
    /// <param name="frameLength">Length of its frame, in bytes.</param>
    /// <param name="status">What <see cref="Frames.FrameCompressor.Compress"/> has told.</param>
    public static CompressionChoice Judge(CompressionChoice choice, int contentLength, int frameLength, CodecStatus status)
    {
        if (status != CodecStatus.Ok)
            return Identity(CompressionReason.Busy);
        // Of what is short the table counts too.
        return frameLength + SeekTable.Measure(1) <= contentLength * WorstRatio ? choice : Identity(CompressionReason.TrialFailed);
    }

    /// <summary>Notes what has become of a blob, for the counts and for the next choice in its namespace.</summary>
    /// <param name="name">Its namespace.</param>
    /// <param name="choice">The choice that it was stored by.</param>
    /// <param name="contentLength">In bytes.</param>
    /// <param name="payloadLength">In bytes.</param>
    public void Note(string name, CompressionChoice choice, long contentLength, long payloadLength)
    {
        var at = ((int)choice.Method * ReasonCount) + (int)choice.Reason;
        Interlocked.Increment(ref _blobs[at]);
        Interlocked.Add(ref _content[at], contentLength);
        Interlocked.Add(ref _payload[at], payloadLength);
        if (choice.Reason is CompressionReason.Compressible or CompressionReason.Trial && contentLength > 0)
            _history.Note(name, (double)payloadLength / contentLength);
        else if (choice.Reason == CompressionReason.TrialFailed)
            _history.Note(name, 1);
    }

    /// <summary>What was noted, by choice and reason; only what there was.</summary>
    public IEnumerable<CompressionTotal> Totals
    {
        get
        {
            for (var i = 0; i < _blobs.Length; i++)
            {
                if (Volatile.Read(ref _blobs[i]) is > 0 and var blobs)
                    yield return new((CompressionMethod)(i / ReasonCount), (CompressionReason)(i % ReasonCount), blobs, Volatile.Read(ref _content[i]), Volatile.Read(ref _payload[i]));
            }
        }
    }

    private static CompressionChoice Identity(CompressionReason reason) => new(CompressionMethod.Identity, 0, reason);
}

/// <summary>What is asked for in a namespace.</summary>
public sealed record CompressionPolicy
{
    /// <summary>Nothing is compressed.</summary>
    public static CompressionPolicy Off { get; } = new() { IsEnabled = false };

    /// <summary>Whether what shrinks is compressed. Default: yes.</summary>
    public bool IsEnabled { get; init; } = true;

    /// <summary>The level, 1 to 19, as long as the processors are not busy. Default: 5.</summary>
    public int Level { get; init; } = 5;

    /// <summary>Content below this length, in bytes, is stored as it is. Default: 1024.</summary>
    public long MinLength { get; init; } = 1024;
}
