using EdgeCache.TestKit;

namespace EdgeCache.System.Tests;

public sealed class FarStoreTests
{
    [Fact]
    public async Task A_bucket_that_is_configured_and_can_not_be_served_from_stops_the_start()
    {
        var run = await NodeProcess.RunAsync(new NodeSetup { Environment = new Dictionary<string, string> { ["EdgeCache__Storage__S3__Bucket"] = "artifacts" } });
        run.ExitCode.ShouldBe(2);
        run.Error.ShouldContain("EdgeCache:Storage:S3:Bucket = \"artifacts\": this version can only probe a bucket");
    }
}
