using EdgeCache.Codecs;
using EdgeCache.Codecs.Choosing;
using EdgeCache.Codecs.Zstd;

namespace EdgeCache.Storage.Local.Compressing;

/// <summary>What a store needs to compress what comes in and to decode what is there.</summary>
/// <param name="zstd">The codec.</param>
/// <param name="chooser">Decides what is compressed.</param>
/// <param name="policyOf">What is asked for, by namespace.</param>
/// <param name="deferred">What is to be compressed later.</param>
/// <param name="time">The clock.</param>
internal sealed class StoreCompression(ICodec zstd, CompressionChooser chooser, Func<string, CompressionPolicy> policyOf, DeferredQueue deferred, TimeProvider time)
{
    /// <summary>Longer blobs that may be on their way to frames at a time: each holds up to 6 MiB. What comes beyond is stored as it is; more than twice the processors could not be compressed as it comes anyway.</summary>
    private static readonly int MaxStages = Math.Max(4, 2 * Environment.ProcessorCount);

    /// <summary>Readers that may keep a frame's content between two reads. Whoever comes beyond decodes it for each read: that costs time, and no memory while a slow client is waited for.</summary>
    private const int MaxKept = 64;

    private int _stages;
    private int _kept;

    public ICodec Zstd => zstd;

    public CompressionChooser Chooser => chooser;

    public DeferredQueue Deferred => deferred;

    public TimeProvider Time => time;

    public CompressionPolicy PolicyOf(string name) => policyOf(name);

    /// <summary>Takes a place for a stage; <see cref="EndStage"/> gives it back.</summary>
    public bool TryBeginStage() => TryTake(ref _stages, MaxStages);

    public void EndStage() => Interlocked.Decrement(ref _stages);

    /// <summary>Takes a place for a frame's content that is kept; <see cref="EndKeeping"/> gives it back.</summary>
    public bool TryKeep() => TryTake(ref _kept, MaxKept);

    public void EndKeeping() => Interlocked.Decrement(ref _kept);

    private static bool TryTake(ref int taken, int most)
    {
        if (Interlocked.Increment(ref taken) <= most)
            return true;
        Interlocked.Decrement(ref taken);
        return false;
    }

    /// <summary>Whether a payload in a coding can be decoded here. One that can't counts as missing and is left alone.</summary>
    public bool CanDecode(string coding) => coding.Length == 0 || (coding == ZstdCodec.CodingName && zstd.IsAvailable);
}
