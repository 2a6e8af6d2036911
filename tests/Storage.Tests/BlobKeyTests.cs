using FsCheck;
using FsCheck.Fluent;

namespace EdgeCache.Storage.Tests;

public sealed class BlobKeyTests
{
    private const string KeyCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~@+=";
    private const string LabelCharacters = "abcdefghijklmnopqrstuvwxyz0123456789-";

    /// <summary>Texts that are mostly near the border between good and bad keys.</summary>
    private static Arbitrary<string> Texts { get; } = Gen.OneOf(
        Of("ab./", 0, 12),
        Of(KeyCharacters + "/", 1, 40),
        Of(KeyCharacters + "/%\\ \0\n\u00e9?#:*\u202e", 0, 20),
        Of("a", 510, 515)).ToArbitrary();

    [Fact]
    public void Any_text_is_a_key_that_reads_back_or_is_refused_with_a_sentence() =>
        Prop.ForAll(Texts, Gen.Elements(true, false).ToArbitrary(), (text, allowSlash) =>
        {
            var fault = BlobKey.TryCreate("ns", "tenant", text, allowSlash, out var key);
            if (!IsGoodKey(text, allowSlash))
                return IsSentence(fault) && key.IsDefault;
            return fault is null && !key.IsDefault && (key.Namespace, key.Tenant, key.Key) == ("ns", "tenant", text)
                && key == BlobKey.Create(key.Namespace, key.Tenant, key.Key);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void No_key_has_an_empty_or_dotted_segment() =>
        Prop.ForAll(Of("a./", 1, 8).ToArbitrary(), text =>
            BlobKey.TryCreate("ns", "", text, allowSlash: true, out var key) is not null
            || key.Key.Split('/').All(s => s is not ("" or "." or ".."))).QuickCheckThrowOnFailure();

    [Fact]
    public void Every_character_is_in_a_key_exactly_if_the_rule_names_it()
    {
        for (var c = char.MinValue; c < char.MaxValue; c++)
        {
            var fault = BlobKey.TryCreate("ns", "", $"a{c}b", allowSlash: false, out _);
            (fault is null).ShouldBe(KeyCharacters.Contains(c), $"U+{(int)c:X4}");
        }
    }

    [Fact]
    public void Every_character_is_in_a_namespace_or_tenant_exactly_if_the_rule_names_it()
    {
        for (var c = char.MinValue; c < char.MaxValue; c++)
        {
            (BlobKey.TryCreate($"a{c}", "", "k", allowSlash: false, out _) is null).ShouldBe(LabelCharacters.Contains(c), $"namespace U+{(int)c:X4}");
            (BlobKey.TryCreate("a", $"{c}b", "k", allowSlash: false, out _) is null).ShouldBe(LabelCharacters.Contains(c), $"tenant U+{(int)c:X4}");
        }
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    [InlineData(512, true)]
    [InlineData(513, false)]
    public void A_key_has_1_to_512_characters(int length, bool good) =>
        (BlobKey.TryCreate("ns", "", new string('k', length), allowSlash: false, out _) is null).ShouldBe(good);

    [Fact]
    public void A_key_that_is_too_long_is_told_its_length_and_the_limit() =>
        BlobKey.TryCreate("ns", "", new string('k', 513), allowSlash: true, out _).ShouldBe("The key has 513 characters; the limit is 512.");

    [Theory]
    [InlineData(0, false, true)]
    [InlineData(1, true, true)]
    [InlineData(64, true, true)]
    [InlineData(65, false, false)]
    public void Only_a_tenant_may_be_empty_and_neither_label_is_longer_than_64(int length, bool goodNamespace, bool goodTenant)
    {
        var label = new string('n', length);
        (BlobKey.TryCreate(label, "", "k", allowSlash: false, out _) is null).ShouldBe(goodNamespace);
        (BlobKey.TryCreate("ns", label, "k", allowSlash: false, out _) is null).ShouldBe(goodTenant);
    }

    [Theory]
    [InlineData("a/b")]
    [InlineData("/")]
    public void A_slash_is_refused_where_the_namespace_does_not_allow_it(string text) =>
        IsSentence(BlobKey.TryCreate("ns", "", text, allowSlash: false, out _)).ShouldBeTrue();

    [Fact]
    public void Parts_that_make_no_key_are_an_exception_to_who_vouches_for_them() =>
        Should.Throw<ArgumentException>(() => BlobKey.Create("ns", "", "a/../b"));

    private static Gen<string> Of(string characters, int shortest, int longest) =>
        from length in Gen.Choose(shortest, longest)
        from text in Gen.Elements(characters.ToCharArray()).ArrayOf(length)
        select new string(text);

    private static bool IsGoodKey(string text, bool allowSlash) =>
        text.Length is >= 1 and <= 512
        && text.All(c => KeyCharacters.Contains(c) || (allowSlash && c == '/'))
        && text.Split('/').All(s => s is not ("" or "." or ".."));

    private static bool IsSentence(string? text) => text is not null && char.IsUpper(text[0]) && text.Contains(' ') && text.EndsWith('.');
}
