using EdgeCache.Client.Signing;
using EdgeCache.Edge.Signing;
using static EdgeCache.Edge.Tests.Signing.Policies;

namespace EdgeCache.Edge.Tests.Signing;

public sealed class SignatureTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public void What_is_signed_is_good_until_its_time_is_over_and_for_nothing_else()
    {
        foreach (var (name, policy) in All())
        {
            foreach (var target in (string[])["/artifacts/app-1.0.tar", "/artifacts/a%40b?x=1&y=%20", "/cache/dav/a/b?flag&&z="])
            {
                var url = policy.Sign(target);
                policy.Fault(url).ShouldBe(SignatureFault.None, $"{name} {url}");
                policy.Fault(url, "HEAD").ShouldBe(name == "edgecache" ? SignatureFault.WrongMethod : SignatureFault.None, name);
                policy.Fault(url, "PUT").ShouldBe(SignatureFault.WrongMethod, name);
                policy.Fault(url, at: Now + TimeSpan.FromHours(1) - Second).ShouldBe(SignatureFault.None, name);
                policy.Fault(url, at: Now + TimeSpan.FromHours(1)).ShouldBe(SignatureFault.Expired, name);
                policy.Fault(target).ShouldBe(SignatureFault.Missing, name);
                policy.Verify(Request(url), Now).Grant!.Expires.ShouldBe(Now + TimeSpan.FromHours(1));
            }
        }
    }

    [Fact]
    public void No_address_with_one_character_changed_added_or_left_out_is_accepted()
    {
        // Every character of the address is changed to one that differs in its lowest bit, to one that looks alike to a lenient reader, and to one of another kind.
        foreach (var (name, policy) in All())
        {
            var url = policy.Sign("/artifacts/app-1.0.tar?v=2");
            var accepted = Mutations.Of(url).Where(m => policy.Fault(m) == SignatureFault.None).ToList();
            accepted.ShouldBeEmpty(name);
        }
    }

    [Fact]
    public void That_a_signature_was_good_once_opens_nothing_but_the_same_address()
    {
        foreach (var (name, policy) in All())
        {
            var url = policy.Sign("/artifacts/a", client: name.StartsWith("cloudflare", StringComparison.Ordinal) ? null : "192.0.2.7");
            for (var i = 0; i < 3; i++)
                policy.Fault(url).ShouldBe(SignatureFault.None, "from the third time on what is remembered is asked");
            policy.Fault(url, "PUT").ShouldBe(SignatureFault.WrongMethod);
            policy.Fault(url, at: Now.AddHours(2)).ShouldBe(SignatureFault.Expired);
            if (!name.StartsWith("cloudflare", StringComparison.Ordinal))
                policy.Fault(url, address: "192.0.2.8").ShouldBe(SignatureFault.WrongClient);
            Mutations.Of(url).Where(m => policy.Fault(m) == SignatureFault.None).ShouldBeEmpty(name);
        }
    }

    [Fact]
    public void No_part_of_one_address_is_good_in_another()
    {
        foreach (var (name, policy) in All())
        {
            var (one, other) = (policy.Sign("/artifacts/one"), policy.Sign("/artifacts/other", lifetime: TimeSpan.FromHours(1)));
            policy.Fault(other.Split('?')[0] + "?" + one.Split('?')[1]).ShouldBe(SignatureFault.WrongSignature, name);
            policy.Fault(one + "&" + other.Split('?')[1]).ShouldBe(SignatureFault.Malformed, name);
        }
    }

    [Fact]
    public void A_path_that_means_another_one_is_not_looked_at()
    {
        foreach (var policy in (SignedUrlPolicy[])[Own(), CloudFront()])
        {
            var url = policy.Sign("/artifacts/open/a", under: "/artifacts/open/");
            var query = url.Split('?')[1];
            policy.Fault($"/artifacts/open/b?{query}").ShouldBe(SignatureFault.None);
            policy.Fault($"/artifacts/open/b/c?{query}").ShouldBe(SignatureFault.None);
            policy.Fault($"/artifacts/opens?{query}").ShouldNotBe(SignatureFault.None);
            policy.Fault($"/artifacts/closed/a?{query}").ShouldNotBe(SignatureFault.None);

            // The server takes dot segments out: what it serves is not what the signature covers.
            policy.Fault($"/artifacts/open/../closed?{query}", path: "/artifacts/closed").ShouldBe(SignatureFault.UnclearPath);
            policy.Fault($"/artifacts/open/%2e%2e/closed?{query}", path: "/artifacts/closed").ShouldBe(SignatureFault.UnclearPath);
            policy.Fault($"/artifacts/open/..%2fclosed?{query}", path: "/artifacts/open/..%2fclosed").ShouldBe(SignatureFault.UnclearPath);
            policy.Fault($"http://host/artifacts/open/b?{query}", path: "/artifacts/open/b").ShouldBe(SignatureFault.UnclearPath);
        }
    }

    [Fact]
    public void A_signature_for_a_network_is_good_there_alone_and_one_with_a_beginning_not_before()
    {
        foreach (var policy in (SignedUrlPolicy[])[Own(), CloudFront()])
        {
            var url = policy.Sign("/artifacts/a", client: "192.0.2.64/26", notBefore: Now + TimeSpan.FromMinutes(1));
            policy.Fault(url, at: Now + TimeSpan.FromMinutes(1), address: "192.0.2.65").ShouldBe(SignatureFault.None);
            policy.Fault(url, at: Now + TimeSpan.FromMinutes(1), address: "::ffff:192.0.2.65").ShouldBe(SignatureFault.None);
            policy.Fault(url, at: Now + TimeSpan.FromMinutes(1), address: "192.0.2.7").ShouldBe(SignatureFault.WrongClient);
            policy.Fault(url, at: Now + TimeSpan.FromMinutes(1), address: null).ShouldBe(SignatureFault.WrongClient);
            policy.Fault(url, at: Now + TimeSpan.FromMinutes(1) - Second, address: "192.0.2.65").ShouldBe(SignatureFault.NotYetValid);
            policy.Verify(Request(url, address: "192.0.2.65"), Now + TimeSpan.FromMinutes(2)).Grant!.IsForAnybody.ShouldBeFalse();
        }
    }

    [Fact]
    public void Clocks_may_differ_by_as_much_as_is_configured()
    {
        var policy = Own(skew: TimeSpan.FromSeconds(10));
        var url = policy.Sign("/artifacts/a", lifetime: TimeSpan.FromMinutes(1), notBefore: Now + TimeSpan.FromSeconds(30));
        policy.Fault(url, at: Now + TimeSpan.FromSeconds(19)).ShouldBe(SignatureFault.NotYetValid);
        policy.Fault(url, at: Now + TimeSpan.FromSeconds(20)).ShouldBe(SignatureFault.None);
        policy.Fault(url, at: Now + TimeSpan.FromSeconds(69)).ShouldBe(SignatureFault.None);
        policy.Fault(url, at: Now + TimeSpan.FromSeconds(70)).ShouldBe(SignatureFault.Expired);
    }

    [Fact]
    public void Every_live_key_is_good_and_one_that_was_taken_away_is_not()
    {
        var old = new EdgeCacheSignature(Terms(), [Key("k0", 'z')], Key("k0", 'z')).Sign("/artifacts/a");
        var second = new EdgeCacheSignature(Terms(), [Key("k2", 'y')], Key("k2", 'y')).Sign("/artifacts/a");
        Own().Fault(second).ShouldBe(SignatureFault.None);
        Own().Fault(old).ShouldBe(SignatureFault.UnknownKey);
        Own().Fault(second.Replace("ec-key=k2", "ec-key=k1", StringComparison.Ordinal)).ShouldBe(SignatureFault.WrongSignature);
        Cloudflare().Fault(new CloudflareSignature(Terms(), [Key("k2", 'y')], Key("k2", 'y'), "verify", urlSafe: false).Sign("/artifacts/a")).ShouldBe(SignatureFault.None);
        Cloudflare().Fault(new CloudflareSignature(Terms(), [Key("k0", 'z')], Key("k0", 'z'), "verify", urlSafe: false).Sign("/artifacts/a")).ShouldBe(SignatureFault.WrongSignature);
    }

    [Fact]
    public void Methods_are_those_that_were_signed_and_that_the_policy_allows()
    {
        var writes = Own(SignedMethods.Get | SignedMethods.Put);
        var url = writes.Sign("/artifacts/a", SignedMethods.Put);
        writes.Fault(url, "PUT").ShouldBe(SignatureFault.None);
        writes.Fault(url, "GET").ShouldBe(SignatureFault.WrongMethod);
        writes.Fault(url, "DELETE").ShouldBe(SignatureFault.WrongMethod);
        Own().Fault(url, "PUT").ShouldBe(SignatureFault.WrongMethod, "the policy has been narrowed since");
        Should.Throw<SigningException>(() => Own().Sign("/artifacts/a", SignedMethods.Put));
    }

    [Theory]
    [InlineData("artifacts/a")]
    [InlineData("/a/../b")]
    [InlineData("/a/%2E%2e/b")]
    [InlineData("/a//b")]
    [InlineData("/a%2fb")]
    [InlineData("/a b")]
    [InlineData("/a\"b")]
    [InlineData("/ä")]
    [InlineData("/a?ec-key=x")]
    public void What_could_not_be_checked_is_not_signed(string target) => Should.Throw<SigningException>(() => Own().Sign(target));

    [Fact]
    public void Any_query_gets_a_verdict_and_none_is_good()
    {
        var random = new Random(7);
        var pieces = new[] { "ec-key", "ec-signature", "ec-methods", "ec-expires", "ec-prefix", "Expires", "Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm", "verify", "K1RSA", "k1", "=", "&", "-", "%", "%2", "%2F", "GET", "1763899200", "\0", "é", "_", "~", "{}", "AAAA", "999999999999999999999" };
        foreach (var (name, policy) in All())
        {
            for (var i = 0; i < 4000; i++)
            {
                var query = string.Concat(Enumerable.Range(0, random.Next(0, 24)).Select(_ => random.Next(4) == 0 ? ((char)random.Next(1, 300)).ToString() : pieces[random.Next(pieces.Length)]));
                policy.Fault($"/artifacts/a?{query}", path: "/artifacts/a").ShouldNotBe(SignatureFault.None, $"{name}: {query}");
            }
        }
    }
}
