using System.Security.Cryptography;
using System.Text;
using EdgeCache.Client.Signing;
using EdgeCache.Edge.Signing;
using static EdgeCache.Edge.Tests.Signing.Policies;

namespace EdgeCache.Edge.Tests.Signing;

public sealed class CloudFrontTests
{
    [Theory]
    [InlineData("http*://cdn.example.com/builds/artifacts/*", true)]
    [InlineData("https://*/artifacts/a?c", true)]
    [InlineData("*", true)]
    [InlineData("https://cdn.example.com/builds/artifacts/abc?", false)]
    [InlineData("https://cdn.example.com/builds/artifacts/?bc", true)]
    [InlineData("https://cdn.example.com/builds/*b*c*", true)]
    [InlineData("https://cdn.example.com/builds/*x*", false)]
    [InlineData("https://cdn.example.com/builds/artifacts/abc/*", false)]
    [InlineData("", false)]
    public void Resources_have_wildcards(string resource, bool covers) =>
        new CloudFrontStatement(resource, Now, null, null).Covers("https://cdn.example.com/builds/artifacts/abc").ShouldBe(covers);

    [Fact]
    public void Many_wildcards_take_no_longer_than_the_product_of_the_lengths()
    {
        var statement = new CloudFrontStatement(string.Concat(Enumerable.Repeat("a*", 1000)) + "b", Now, null, null);
        statement.Covers(new string('a', 8000)).ShouldBeFalse();
    }

    [Theory]
    [InlineData("""{"Statement":[{"Resource":"*","Condition":{"DateLessThan":{"AWS:EpochTime":EXPIRES}}}]}""", nameof(SignatureFault.None))]
    [InlineData("""{"Statement": [ {"Resource": "*", "Condition": {"DateLessThan": {"AWS:EpochTime": EXPIRES}, "IpAddress": {"AWS:SourceIp": "0.0.0.0/0"}}} ]}""", nameof(SignatureFault.None))]
    [InlineData("""{"Statement":[{"Resource":"*","Condition":{"DateLessThan":{"AWS:EpochTime":EXPIRES},"Bool":{"aws:SecureTransport":"true"}}}]}""", nameof(SignatureFault.Malformed))]
    [InlineData("""{"Statement":[{"Resource":"*","Condition":{}}]}""", nameof(SignatureFault.Malformed))]
    [InlineData("""{"Statement":[{"Resource":"*","Condition":{"DateLessThan":{"AWS:EpochTime":"EXPIRES"}}}]}""", nameof(SignatureFault.Malformed))]
    [InlineData("""{"Statement":[]}""", nameof(SignatureFault.Malformed))]
    [InlineData("""{"Statement":[{"Resource":"https://other.example.com/*","Condition":{"DateLessThan":{"AWS:EpochTime":EXPIRES}}}]}""", nameof(SignatureFault.WrongPath))]
    [InlineData("[[[[[[[[[[[[[[[[", nameof(SignatureFault.Malformed))]
    public void A_policy_with_what_is_not_understood_opens_nothing(string template, string expected)
    {
        var policy = Encoding.UTF8.GetBytes(template.Replace("EXPIRES", (Now.ToUnixTimeSeconds() + 60).ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal));
        var signature = Rsa.SignData(policy, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1);
        CloudFront().Fault($"/artifacts/a?Policy={CloudFrontText.Encode(policy)}&Signature={CloudFrontText.Encode(signature)}&Key-Pair-Id=K1RSA").ToString().ShouldBe(expected);
    }

    [Fact]
    public void Cookies_are_as_good_as_parameters_and_less_than_those()
    {
        var policy = CloudFront();
        var link = policy.Sign(new SigningRequest("/artifacts/a", SignedMethods.Get, Now.AddHours(1), Under: "/artifacts/"), Now);
        var cookies = link.Cookies.ToDictionary(c => c.Key, c => c.Value, StringComparer.Ordinal);
        var plain = Request("/artifacts/b") with { Cookie = cookies.GetValueOrDefault };
        policy.IsSigned(plain).ShouldBeTrue();
        var verdict = policy.Verify(plain, Now);
        verdict.Fault.ShouldBe(SignatureFault.None);
        verdict.Grant!.IsForAnybody.ShouldBeFalse("a shared cache must not keep what was got with a cookie");
        policy.Verify(Request("/artifacts/b?Signature=x&Key-Pair-Id=K1RSA&Expires=1") with { Cookie = cookies.GetValueOrDefault }, Now).Fault.ShouldBe(SignatureFault.Malformed);
    }

    [Fact]
    public void A_signature_of_one_hash_is_not_one_of_the_other()
    {
        var url = CloudFront(sha256: true).Sign("/artifacts/a");
        url.ShouldContain("&Hash-Algorithm=SHA256");
        CloudFront().Fault(url.Replace("&Hash-Algorithm=SHA256", "", StringComparison.Ordinal)).ShouldBe(SignatureFault.WrongSignature);
        CloudFront().Fault(CloudFront().Sign("/artifacts/a") + "&Hash-Algorithm=SHA256").ShouldBe(SignatureFault.WrongSignature);
        CloudFront().Fault(CloudFront().Sign("/artifacts/a") + "&Hash-Algorithm=MD5").ShouldBe(SignatureFault.Malformed);
    }
}
