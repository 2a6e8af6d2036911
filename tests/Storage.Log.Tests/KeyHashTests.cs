using FsCheck;
using FsCheck.Fluent;

namespace EdgeCache.Storage.Log.Tests;

public sealed class KeyHashTests
{
    private static readonly HashSecret ReferenceSecret = HashSecret.FromBytes([.. Enumerable.Range(0, 16).Select(i => (byte)i)]);

    /// <summary>From the reference implementation (vectors.h, 128-bit output): key 00..0f, input 00, 01, 02, ….</summary>
    [Theory]
    [InlineData(0, "a3817f04ba25a8e66df67214c7550293")]
    [InlineData(1, "da87c1d86b99af44347659119b22fc45")]
    [InlineData(2, "8177228da4a45dc7fca38bdef60affe4")]
    [InlineData(3, "9c70b60c5267a94e5f33b6b02985ed51")]
    [InlineData(4, "f88164c12d9c8faf7d0f6e7c7bcd5579")]
    [InlineData(5, "1368875980776f8854527a07690e9627")]
    [InlineData(6, "14eeca338b208613485ea0308fd7a15e")]
    [InlineData(7, "a1f1ebbed8dbc153c0b84aa61ff08239")]
    [InlineData(8, "3b62a9ba6258f5610f83e264f31497b4")]
    [InlineData(15, "5493e99933b0a8117e08ec0f97cfc3d9")]
    [InlineData(63, "5150d1772f50834a503e069a973fbd7c")]
    public void The_hash_is_the_reference_implementations(int length, string expected) =>
        KeyHash.Compute([.. Enumerable.Range(0, length).Select(i => (byte)i)], ReferenceSecret).ToString().ShouldBe(expected);

    [Fact]
    public void Namespace_tenant_and_key_are_kept_apart() =>
        new[] { ("a", "b", "c"), ("a", "", "c"), ("a", "", "b/c"), ("ab", "", "c"), ("a", "bc", "c"), ("a", "", "bc") }
            .Select(k => KeyHash.Of(BlobKey.Create(k.Item1, k.Item2, k.Item3), ReferenceSecret)).Distinct().Count().ShouldBe(6);

    [Fact]
    public void Every_key_of_any_length_has_a_file_name_that_only_the_secret_tells() =>
        Prop.ForAll(Gen.Choose(1, BlobKey.MaxKeyLength).ToArbitrary(), Gen.Choose(0, BlobKey.MaxLabelLength).ToArbitrary(), (keyLength, tenantLength) =>
        {
            var key = BlobKey.Create(new string('n', BlobKey.MaxLabelLength), new string('t', tenantLength), new string('k', keyLength));
            var name = KeyHash.Of(key, ReferenceSecret).ToString();
            return name.Length == 32 && name.All(char.IsAsciiHexDigitLower) && name == KeyHash.Of(key, ReferenceSecret).ToString()
                && name != KeyHash.Of(key, new HashSecret(1, 2)).ToString();
        }).QuickCheckThrowOnFailure();
}
