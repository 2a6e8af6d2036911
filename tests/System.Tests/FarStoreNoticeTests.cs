using EdgeCache.TestKit;

namespace EdgeCache.System.Tests;

public sealed class FarStoreNoticeTests
{
    [Fact]
    public async Task A_bucket_that_is_configured_and_not_used_is_not_passed_over_in_silence()
    {
        await using var node = await NodeProcess.StartAsync(new NodeSetup { Environment = new Dictionary<string, string> { ["EdgeCache__Storage__S3__Bucket"] = "artifacts" } });
        node.Error.ShouldContain("EdgeCache:Storage:S3:Bucket = \"artifacts\": this version can only probe it");
    }
}
