namespace EdgeCache.Storage.S3.Tests;

public sealed class ProbeTests(EdgeCache.TestKit.S3Fixture fixture) : S3StoreTest(fixture)
{
    [Fact]
    public async Task A_real_server_can_be_used_and_nothing_of_the_probe_stays()
    {
        var report = await S3Probe.RunAsync(await OptionsAsync(), TimeProvider.System, Cancel);

        report.IsUsable.ShouldBeTrue(Text(report));
        report.Capabilities.CreateOnly.ShouldBeTrue(Text(report));
        report.Steps.ShouldContain(s => s.Name == "clock" && s.Result == S3ProbeResult.Good, Text(report));
        report.Steps.Count.ShouldBe(16, Text(report));
        using var client = await Fixture.NewClientAsync();
        (await client.ListObjectsV2Async(new() { BucketName = Fixture.Bucket, Prefix = Prefix }, Cancel)).S3Objects.ShouldBeNull();
        ((await client.ListMultipartUploadsAsync(new Amazon.S3.Model.ListMultipartUploadsRequest { BucketName = Fixture.Bucket, Prefix = Prefix }, Cancel)).MultipartUploads ?? []).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("secret", "secret key does not belong")]
    [InlineData("bucket", "does not exist")]
    [InlineData("host", "does not exist")]
    public async Task A_mistake_ends_the_probe_with_its_explanation(string mistake, string expected)
    {
        var options = await OptionsAsync();
        options = mistake switch
        {
            "secret" => options with { SecretKey = "wrong" },
            "bucket" => options with { Bucket = "no-such-bucket" },
            _ => options with { Bucket = "no", PathStyle = true },
        };
        var report = await S3Probe.RunAsync(options, TimeProvider.System, Cancel);

        report.IsUsable.ShouldBeFalse();
        report.Capabilities.ShouldBe(S3Capabilities.Unknown);
        report.Steps[0].Detail.ShouldContain(expected);
    }

    [Fact]
    public async Task A_clock_that_is_wrong_is_told_also_while_signatures_are_still_taken()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(TimeProvider.System.GetUtcNow().AddMinutes(8));
        var report = await S3Probe.RunAsync(await OptionsAsync(), time, Cancel);
        var clock = report.Steps.Single(s => s.Name == "clock");
        clock.Result.ShouldBe(S3ProbeResult.Failed);
        clock.Detail.ShouldContain("behind this machine's: set the clock");
    }

    private static string Text(S3ProbeReport report) => string.Join('\n', report.Steps.Select(s => $"{s.Result} {s.Name}: {s.Detail}"));
}
