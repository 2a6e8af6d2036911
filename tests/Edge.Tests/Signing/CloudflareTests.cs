using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using EdgeCache.Client.Signing;
using EdgeCache.Edge.Signing;
using static EdgeCache.Edge.Tests.Signing.Policies;

namespace EdgeCache.Edge.Tests.Signing;

public sealed class CloudflareTests
{
    /// <summary>The form that Cloudflare's documentation gives for a MessageMAC: message, separator, time of issue, MAC.</summary>
    private static readonly Regex Form = new(@"^(?<message>.+)(?<separator>[?&]verify=)(?<time>\d{10})-(?<mac>.{43,})$", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1));

    [Theory]
    [InlineData("/images/cat.jpg", false)]
    [InlineData("/images/cat.jpg?size=2", false)]
    [InlineData("/images/cat.jpg", true)]
    public void An_address_has_the_documented_form_and_the_mac_over_message_and_time(string target, bool urlSafe)
    {
        var url = Cloudflare(urlSafe).Sign(target);
        var parts = Form.Match(url);
        parts.Success.ShouldBeTrue(url);
        parts.Groups["message"].Value.ShouldBe(target);
        var mac = Convert.ToBase64String(HMACSHA256.HashData(Encoding.ASCII.GetBytes(new string('x', 32)), Encoding.ASCII.GetBytes(target + parts.Groups["time"].Value)));
        parts.Groups["mac"].Value.ShouldBe(urlSafe ? mac.TrimEnd('=').Replace('+', '-').Replace('/', '_') : mac.Replace("+", "%2B", StringComparison.Ordinal).Replace("/", "%2F", StringComparison.Ordinal).Replace("=", "%3D", StringComparison.Ordinal));
    }

    /// <summary>
    /// Tokens that are published with their keys: those that Seqera's Wave, whose downloads are behind a rule of Cloudflare's, is tested with; the last one has the key, path and time of
    /// the example in Cloudflare's documentation.
    /// </summary>
    [Theory]
    [InlineData("foo", "/hello.txt", "1705931639-QdwQe6e5lNYUJhvHPomrOVouQcrti4m7AYHqbyOR6Iw%3D")]
    [InlineData("bar", "/hello.txt", "1705931639-UjaTxEs3jhIgWp3LHAoKTpd3ZFXyy%2F7kr%2BYlL1m%2BTCE%3D")]
    [InlineData("foo", "/hello.txt", "1705931500-%2B2iV5xOHG0OEt9fGsaOYhXMfpht6PeKM3j4Q5u%2FConw%3D")]
    [InlineData("mysecrettoken", "/images/cat.jpg", "1484063787-XsZ5NmtNBxOd4f4fBOtqVmpWRnDRNkHKVZieqDPKu3U%3D")]
    public void Published_tokens_are_those_that_are_made_here_and_good(string secret, string path, string token)
    {
        var key = new SecretKey("k", Encoding.ASCII.GetBytes(secret));
        var policy = new CloudflareSignature(Terms(), [key], key, "verify", urlSafe: false);
        var issued = DateTimeOffset.FromUnixTimeSeconds(long.Parse(token.Split('-')[0], System.Globalization.CultureInfo.InvariantCulture));
        policy.Sign(new SigningRequest(path, SignedMethods.Get, issued.AddHours(1)), issued).Url.ShouldBe($"{Base}{path}?verify={token}");
        policy.Fault($"{path}?verify={token}", at: issued.AddMinutes(59)).ShouldBe(SignatureFault.None);
        Mutations.Of($"{path}?verify={token}").Where(m => policy.Fault(m, at: issued) == SignatureFault.None).ShouldBeEmpty();
    }

    [Fact]
    public void A_token_is_good_from_its_issue_for_the_lifetime_of_the_policy()
    {
        var issued = Now.ToUnixTimeSeconds();
        var mac = Convert.ToBase64String(HMACSHA256.HashData(Encoding.ASCII.GetBytes(new string('x', 32)), Encoding.ASCII.GetBytes($"/images/cat.jpg{issued}")));
        var url = $"/images/cat.jpg?verify={issued}-{Uri.EscapeDataString(mac)}";
        Cloudflare().Fault(url).ShouldBe(SignatureFault.None);
        Cloudflare().Fault(url, at: Now.AddHours(1).AddSeconds(-1)).ShouldBe(SignatureFault.None);
        Cloudflare().Fault(url, at: Now.AddHours(1)).ShouldBe(SignatureFault.Expired);
        Cloudflare().Fault(url, at: Now.AddSeconds(-1)).ShouldBe(SignatureFault.NotYetValid);
        Cloudflare().Fault($"/images/cat.jpg?verify={issued}-{mac}").ShouldBe(SignatureFault.None, "the base64 as it is, as some signers send it");
        Cloudflare().Fault(url + "&x=1").ShouldBe(SignatureFault.Malformed, "the token is the end of the address");
        Cloudflare().Fault(url.Replace("%3D", "%3d", StringComparison.Ordinal)).ShouldBe(SignatureFault.WrongSignature);
    }
}
