using EdgeCache.Client.Signing;
using Microsoft.Extensions.Time.Testing;

namespace EdgeCache.Client.Tests;

/// <summary>Signed addresses as a client makes them. That a node accepts them is tested where the node is.</summary>
public sealed class EdgeCacheUrlSignerTests
{
    private const string Secret = "0123456789abcdef0123456789abcdef";

    private static readonly DateTimeOffset Now = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);
    private static readonly SigningRequest Plain = new("/artifacts/app.tar", SignedMethods.Get, Now.AddHours(1));

    /// <summary>The signatures are those that openssl makes of the text in docs/signed-urls.md.</summary>
    [Theory]
    [MemberData(nameof(Vectors))]
    public void An_address_is_the_documented_one(SigningRequest request, string expected) => Signer().Sign(request).ShouldBe($"https://cdn.example.com/builds{expected}");

    public static TheoryData<SigningRequest, string> Vectors => new()
    {
        { Plain, "/artifacts/app.tar?ec-key=k1&ec-methods=GET&ec-expires=1795438800&ec-signature=m5RInCArqnCsUNv7L8NrANpC-2mhAc1VUg5t4lFgAhM" },
        {
            new SigningRequest("/artifacts/a%40b?x=1&&y", SignedMethods.Get | SignedMethods.Head | SignedMethods.Put, Now.AddHours(1), Now, "192.0.2.0/24"),
            "/artifacts/a%40b?x=1&&y&ec-key=k1&ec-methods=GET-HEAD-PUT&ec-expires=1795438800&ec-not-before=1795435200&ec-client=192.0.2.0/24&ec-signature=oeG2JncoOy1KEt8B7GhgeNta6Amuxswf2swg2JxYOYY"
        },
        {
            new SigningRequest("/artifacts/nightly/app.tar?x=1", SignedMethods.Delete, Now.AddHours(1), Under: "/artifacts/nightly/"),
            "/artifacts/nightly/app.tar?x=1&ec-key=k1&ec-methods=DELETE&ec-expires=1795438800&ec-prefix=19&ec-signature=73shN-rIH1lqw-swOpCTMOL3-XniSmTM4vXUACHrOAA"
        },
    };

    [Fact]
    public void White_space_around_a_secret_and_a_slash_after_the_address_do_not_matter() =>
        new EdgeCacheUrlSigner("k1", $"{Secret}\n", "https://cdn.example.com/builds/", new FakeTimeProvider(Now)).Sign(Plain).ShouldBe(Signer().Sign(Plain));

    [Theory]
    [InlineData("", Secret, "")]
    [InlineData("k 1", Secret, "")]
    [InlineData("k1", "0123456789abcdef0123456789abcde", "")]
    [InlineData("k1", Secret, "cdn.example.com")]
    [InlineData("k1", Secret, "ftp://cdn.example.com")]
    [InlineData("k1", Secret, "https://cdn.example.com/?x")]
    [InlineData("k1", Secret, "https://user@cdn.example.com")]
    public void What_no_node_would_have_is_refused_at_once_and_the_secret_is_not_in_the_message(string key, string secret, string url) =>
        Should.Throw<ArgumentException>(() => new EdgeCacheUrlSigner(key, secret, url)).Message.ShouldNotContain("0123456789");

    [Theory]
    [InlineData("artifacts/a")]
    [InlineData("/a/../b")]
    [InlineData("/a/%2E%2e/b")]
    [InlineData("/a//b")]
    [InlineData("/a%2fb")]
    [InlineData("/a%5Cb")]
    [InlineData("/a/%252e%252e/b")]
    [InlineData("/a b")]
    [InlineData("/a#b")]
    [InlineData("/ä")]
    [InlineData("/a?ec-key=x")]
    public void A_path_that_a_node_would_not_take_is_not_signed(string target) => Should.Throw<SigningException>(() => Signer().Sign(Plain with { Target = target }));

    [Fact]
    public void A_time_that_is_over_no_method_or_a_client_that_is_none_is_not_signed()
    {
        Should.Throw<SigningException>(() => Signer().Sign(Plain with { Expires = Now }));
        Should.Throw<SigningException>(() => Signer().Sign(Plain with { NotBefore = Plain.Expires }));
        Should.Throw<SigningException>(() => Signer().Sign(Plain with { Methods = SignedMethods.None }));
        Should.Throw<SigningException>(() => Signer().Sign(Plain with { Client = "somebody" }));
        Should.Throw<SigningException>(() => Signer().Sign(Plain with { Under = "/artifacts/app" }));
        Should.Throw<SigningException>(() => Signer().Sign(Plain with { Under = "/other/" }));
    }

    private static EdgeCacheUrlSigner Signer() => new("k1", Secret, "https://cdn.example.com/builds", new FakeTimeProvider(Now));
}
