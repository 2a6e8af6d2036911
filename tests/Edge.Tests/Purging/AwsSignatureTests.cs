using EdgeCache.Edge.Purging;

namespace EdgeCache.Edge.Tests.Purging;

/// <summary>Against the examples that AWS publishes for Signature Version 4 (aws-sig-v4-test-suite).</summary>
public sealed class AwsSignatureTests
{
    [Theory]
    [InlineData("GET", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")]
    [InlineData("POST", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b")]
    public void A_call_is_signed_as_in_the_published_example(string method, string signature)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), "https://example.amazonaws.com/");
        AwsSignature.Add(request, [], "service", "us-east-1", ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), new DateTimeOffset(2015, 8, 30, 12, 36, 0, TimeSpan.Zero));
        request.Headers.GetValues("Authorization").Single().ShouldBe(
            $"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature={signature}");
    }
}
