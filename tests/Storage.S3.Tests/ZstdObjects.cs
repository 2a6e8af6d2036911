using EdgeCache.Codecs.Choosing;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.S3.Tests;

/// <summary>Stores whose objects are zstd.</summary>
internal static class ZstdObjects
{
    /// <summary>Options with which what shrinks is stored as zstd.</summary>
    public static S3StoreOptions With(S3StoreOptions options) => options with { Compression = static _ => new CompressionPolicy { MinLength = 64 }, CpuPressure = new Idle() };
}
