using EdgeCache.Codecs;
using EdgeCache.Codecs.Choosing;
using EdgeCache.Codecs.Zstd;

namespace EdgeCache.Storage.Local.Compressing;

/// <summary>What a store needs to compress what comes in and to decode what is there.</summary>
/// <param name="zstd">The codec.</param>
/// <param name="chooser">Decides what is compressed.</param>
/// <param name="policyOf">What is asked for, by namespace.</param>
/// <param name="time">The clock.</param>
internal sealed class StoreCompression(ICodec zstd, CompressionChooser chooser, Func<string, CompressionPolicy> policyOf, TimeProvider time)
{
    public ICodec Zstd => zstd;

    public CompressionChooser Chooser => chooser;

    public TimeProvider Time => time;

    public CompressionPolicy PolicyOf(string name) => policyOf(name);

    /// <summary>Whether a payload in a coding can be decoded here. One that can't counts as missing and is left alone.</summary>
    public bool CanDecode(string coding) => coding.Length == 0 || (coding == ZstdCodec.CodingName && zstd.IsAvailable);
}
