using EdgeCache.Codecs.Choosing;

namespace EdgeCache.Storage.S3.Tests;

/// <summary>Processors that have nothing else to do, however busy the machine is: what is compressed must not depend on the other tests.</summary>
internal sealed class Idle : ICpuPressure
{
    public double Current => 0;

    /// <summary>Options with which what shrinks is stored as zstd.</summary>
    public static S3StoreOptions Compressing(S3StoreOptions options) => options with { Compression = static _ => new CompressionPolicy { MinLength = 64 }, CpuPressure = new Idle() };
}
