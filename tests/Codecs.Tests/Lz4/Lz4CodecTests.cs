using EdgeCache.Codecs.Lz4;

namespace EdgeCache.Codecs.Tests.Lz4;

public sealed class Lz4CodecTests : CodecContract
{
    protected override ICodec Make(CodecLimits limits) => new Lz4Codec(limits);

    protected override ICodec MakeMissing() => new Lz4Codec(new CodecLimits(), ["libnosuch.so.9"]);
}
