using EdgeCache.Edge.Tests.Configuration;
using EdgeCache.TestKit;

namespace EdgeCache.Edge.Tests.Cli;

public sealed class ProbeS3Tests(S3Fixture fixture) : IClassFixture<S3Fixture>, IDisposable
{
    private readonly ConfigurationFixture _machine = new();

    public void Dispose() => _machine.Dispose();

    [Fact]
    public async Task A_bucket_that_can_be_used_is_told_so_step_by_step()
    {
        var server = await fixture.RequireAsync();
        _machine.Environment["EdgeCache__Storage__S3__AccessKey"] = server.AccessKey;
        _machine.Write("secret", $"{server.SecretKey}\n");
        _machine.WriteConfig($$"""{"EdgeCache": {"Storage": {"S3": {"Endpoint": "{{server.Endpoint}}", "Region": "{{server.Region}}", "SecretKeyFile": "secret" } } } }""");

        var (exit, output, error) = await _machine.RunAsync("probe-s3", "--config", "node.json", "--bucket", fixture.Bucket, "--prefix", "cache/");

        exit.ShouldBe(0, output + error);
        error.ShouldBeEmpty();
        var lines = output.Split('\n');
        lines[0].ShouldBe($"server   {server.Endpoint.GetLeftPart(UriPartial.Authority)}, region {server.Region}, bucket in the path");
        lines[1].ShouldBe($"bucket   {fixture.Bucket}, names begin with cache/");
        lines[2].ShouldBe("keys     from the configuration");
        lines.ShouldContain(l => l.StartsWith("ok   put ", StringComparison.Ordinal));
        lines.ShouldContain(l => l.StartsWith("ok   create only ", StringComparison.Ordinal) && l.EndsWith("If-None-Match: * refuses a second write", StringComparison.Ordinal));
        lines[^2].ShouldStartWith("This bucket can be used");
        output.ShouldNotContain(server.SecretKey);
    }

    [Fact]
    public async Task A_wrong_secret_is_explained_without_being_shown()
    {
        var server = await fixture.RequireAsync();
        _machine.Write("key", server.AccessKey);
        _machine.Write("secret", "not-the-secret");

        var (exit, output, error) = await _machine.RunAsync("probe-s3", "--endpoint", server.Endpoint.ToString(), "--bucket", fixture.Bucket, "--access-key-file", "key", "--secret-key-file", "secret");

        exit.ShouldBe(1);
        error.ShouldBeEmpty();
        output.ShouldContain("FAIL put");
        output.ShouldContain("The secret key does not belong to the access key");
        output.TrimEnd().ShouldEndWith("This bucket can't be used like this.");
        output.ShouldNotContain("not-the-secret");
    }

    [Fact]
    public async Task Everything_that_is_wrong_with_the_settings_is_told_at_once()
    {
        _machine.Environment["EdgeCache__Storage__S3__SecretKey"] = "do-not-show";
        _machine.Environment["EdgeCache__Storage__S3__SecretKeyFile"] = "x";
        _machine.Environment["EdgeCache__Storage__S3__Encryption"] = "rot13";
        _machine.Environment["EdgeCache__Storage__S3__KmsKeyId"] = "k";
        _machine.Environment["EdgeCache__Storage__S3__Prefix"] = "a//b";

        var (exit, output, error) = await _machine.RunAsync("probe-s3", "--endpoint", "http://user:do-not-show@example.com/bucket", "--addressing", "dns");

        exit.ShouldBe(2);
        output.ShouldBeEmpty();
        error.ShouldNotContain("do-not-show");
        foreach (var key in (string[])["Endpoint", "Prefix", "Addressing", "Encryption", "KmsKeyId", "SecretKey", "AccessKey"])
            error.ShouldContain($"EdgeCache:Storage:S3:{key}");
    }

    [Theory]
    [InlineData("--bucket", "b", "--secret-key-file", "missing", "--access-key-file", "empty", "SecretKeyFile: there is no file|AccessKeyFile: the file")]
    [InlineData("--region", "eu-west-1", "--ca-file", "missing", "--prefix", "p/", "Bucket: is not set|CaFile: there is no file")]
    public async Task What_the_probe_needs_and_does_not_find_is_told(string a, string b, string c, string d, string e, string f, string expected)
    {
        _machine.Write("empty", " \n");
        var (exit, _, error) = await _machine.RunAsync("probe-s3", a, b, c, d, e, f);
        exit.ShouldBe(2);
        expected.Split('|').ShouldAllBe(text => error.Contains(text, StringComparison.Ordinal), error);
    }
}
