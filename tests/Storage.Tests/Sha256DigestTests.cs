using FsCheck;
using FsCheck.Fluent;

namespace EdgeCache.Storage.Tests;

public sealed class Sha256DigestTests
{
    // FIPS 180-4: SHA-256 of "abc".
    private const string AbcHex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    private static Arbitrary<byte[]> Digests { get; } = Gen.Choose(0, 255).Select(b => (byte)b).ArrayOf(Sha256Digest.Size).ToArbitrary();

    [Fact]
    public void Every_digest_reads_back_from_its_hexadecimal() =>
        Prop.ForAll(Digests, bytes =>
        {
            var digest = new Sha256Digest(bytes);
            return digest.ToHex() == Convert.ToHexStringLower(bytes) && Sha256Digest.TryParseHex(digest.ToHex(), out var read) && read == digest;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Bytes_and_base64_are_those_of_the_digest() =>
        Prop.ForAll(Digests, bytes =>
        {
            var digest = new Sha256Digest(bytes);
            var copy = new byte[Sha256Digest.Size];
            digest.CopyTo(copy);
            return copy.AsSpan().SequenceEqual(bytes) && digest.ToBase64() == Convert.ToBase64String(bytes);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Two_digests_are_equal_only_when_every_bit_is() =>
        Prop.ForAll(Digests, Gen.Choose(0, 255).ToArbitrary(), (bytes, bit) =>
        {
            var other = (byte[])bytes.Clone();
            other[bit / 8] ^= (byte)(1 << (bit % 8));
            return new Sha256Digest(bytes) != new Sha256Digest(other) && new Sha256Digest(bytes) == new Sha256Digest((byte[])bytes.Clone());
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Any_upper_case_digit_is_refused_because_a_key_has_one_spelling()
    {
        for (var i = 0; i < AbcHex.Length; i++)
        {
            if (!char.IsAsciiLetter(AbcHex[i]))
                continue;
            var text = AbcHex.ToCharArray();
            text[i] = char.ToUpperInvariant(text[i]);
            Sha256Digest.TryParseHex(text, out var digest).ShouldBeFalse(new string(text));
            digest.ShouldBe(default);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("ba")]
    [InlineData(AbcHex + "0")]
    [InlineData(AbcHex + "00")]
    [InlineData("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a")]
    [InlineData("ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    [InlineData(" a7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    [InlineData("\uff11a7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    public void What_is_not_64_digits_is_refused(string text) => Sha256Digest.TryParseHex(text, out _).ShouldBeFalse();

    [Theory]
    [InlineData(0)]
    [InlineData(31)]
    [InlineData(33)]
    public void A_digest_has_32_bytes(int length) => Should.Throw<ArgumentException>(() => new Sha256Digest(new byte[length]));

    [Fact]
    public void What_is_no_digest_never_passes_for_one()
    {
        var none = default(Sha256Digest);
        none.IsKnown.ShouldBeFalse();
        none.ToString().ShouldBe("unknown");
        Should.Throw<InvalidOperationException>(() => none.ToHex());
        Should.Throw<InvalidOperationException>(() => none.ToBase64());
        Should.Throw<InvalidOperationException>(() => none.CopyTo(new byte[Sha256Digest.Size]));
        for (var i = 0; i < Sha256Digest.Size; i++)
        {
            var bytes = new byte[Sha256Digest.Size];
            bytes[i] = 1;
            new Sha256Digest(bytes).IsKnown.ShouldBeTrue();
        }
    }
}
