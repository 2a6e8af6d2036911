using EdgeCache.TestKit;
using FsCheck;
using FsCheck.Fluent;

namespace EdgeCache.Storage.Tests;

public sealed class Crc32CTests
{
    [Fact]
    public void The_check_value_of_the_polynomial_comes_out() => Crc32C.Of("123456789"u8).ShouldBe(0xE3069283u);

    /// <summary>RFC 3720, appendix B.4.</summary>
    [Fact]
    public void The_examples_of_the_standard_come_out()
    {
        Crc32C.Of(new byte[32]).ShouldBe(0x8A9136AAu);
        Crc32C.Of(Enumerable.Repeat((byte)0xFF, 32).ToArray()).ShouldBe(0x62A8AB43u);
        Crc32C.Of([.. Enumerable.Range(0, 32).Select(i => (byte)i)]).ShouldBe(0x46DD794Eu);
        Crc32C.Of([]).ShouldBe(0u);
    }

    [Fact]
    public void Content_in_any_parts_has_the_checksum_of_the_whole() =>
        Prop.ForAll(Gen.Choose(0, 40).ArrayOf().ToArbitrary(), parts =>
        {
            var content = Blobs.Bytes(parts.Sum(), seed: parts.Length);
            var crc = Crc32C.Start();
            var offset = 0;
            foreach (var part in parts)
            {
                crc.Append(content.AsSpan(offset, part));
                offset += part;
            }
            return crc.Value == Crc32C.Of(content);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Two_checksums_are_combined_to_that_of_both() =>
        Prop.ForAll(Gen.Choose(0, 5000).ToArbitrary(), Gen.Choose(0, 5000).ToArbitrary(), (first, second) =>
        {
            var content = Blobs.Bytes(first + second, seed: first);
            return Crc32C.Combine(Crc32C.Of(content.AsSpan(0, first)), Crc32C.Of(content.AsSpan(first)), second) == Crc32C.Of(content);
        }).QuickCheckThrowOnFailure();
}
