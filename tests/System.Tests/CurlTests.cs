using System.Net;
using System.Security.Cryptography;
using EdgeCache.TestKit;

namespace EdgeCache.System.Tests;

/// <summary>curl as people use it in scripts: resumed downloads, uploads from a pipe, and exit codes that tell success from failure.</summary>
public sealed class CurlTests : IAsyncLifetime
{
    private const int HttpError = 22;
    private const string Token = "curl-token";

    private NodeProcess _node = null!;
    private string _curl = "";

    public async ValueTask InitializeAsync()
    {
        _curl = Tools.Require("curl", "curl");
        _node = await NodeProcess.StartAsync(new NodeSetup { Environment = Variables.Of(("BUILDER_CACHE_SERVER_AUTH_TOKEN", Token)) });
    }

    public ValueTask DisposeAsync() => _node is null ? ValueTask.CompletedTask : _node.DisposeAsync();

    [Fact]
    public async Task A_partial_download_is_resumed_to_the_right_file()
    {
        var content = Blobs.Bytes(5_000_000);
        await PutAsync("/artifacts/resumed", content);
        var file = Path.Combine(_node.Folder, "download");
        await File.WriteAllBytesAsync(file, content[..1_234_567]);
        var run = await CurlAsync(["-C", "-", "-o", file, "-w", "%{http_code} %{size_download}", Address("/artifacts/resumed")]);
        run.Succeeded().ShouldBe($"206 {5_000_000 - 1_234_567}");
        (await File.ReadAllBytesAsync(file)).AsSpan().SequenceEqual(content).ShouldBeTrue();
    }

    [Fact]
    public async Task Resuming_a_complete_download_leaves_it_as_it_is()
    {
        var content = Blobs.Bytes(10_000);
        await PutAsync("/artifacts/complete", content);
        var file = Path.Combine(_node.Folder, "download");
        await File.WriteAllBytesAsync(file, content);
        var run = await CurlAsync(["-C", "-", "-o", file, "-w", "%{http_code}", Address("/artifacts/complete")]);
        run.Output.ShouldBe("416");
        (await File.ReadAllBytesAsync(file)).AsSpan().SequenceEqual(content).ShouldBeTrue();
    }

    [Fact]
    public async Task An_upload_that_waits_for_the_go_ahead_is_refused_before_any_of_its_body_is_sent()
    {
        var file = Path.Combine(_node.Folder, "upload");
        await File.WriteAllBytesAsync(file, Blobs.Bytes(3_000_000));
        string[] arguments = ["-sS", "--noproxy", "*", "-v", "-H", "Expect: 100-continue", "--expect100-timeout", "30", "-w", "%{http_code} %{size_upload}", "-o", "/dev/null", "-T", file, Address("/artifacts/refused")];
        var run = await ToolRun.RunAsync(_curl, arguments);
        run.Output.ShouldBe("401 0");
        run.Error.ShouldContain("> Expect: 100-continue");
        run.Error.ShouldNotContain("100 Continue");
    }

    [Fact]
    public async Task An_upload_that_waits_for_the_go_ahead_gets_it_with_a_good_token()
    {
        var file = Path.Combine(_node.Folder, "upload");
        await File.WriteAllBytesAsync(file, Blobs.Bytes(3_000_000));
        var run = await CurlAsync(["-v", "-H", "Expect: 100-continue", "--expect100-timeout", "30", "-w", "%{http_code} %{size_upload}", "-T", file, Address("/artifacts/welcome")]);
        run.Succeeded().ShouldBe("201 3000000");
        run.Error.ShouldContain("< HTTP/1.1 100 Continue");
    }

    [Fact]
    public async Task An_upload_from_a_pipe_of_unknown_length_is_stored()
    {
        var content = Blobs.Bytes(2_500_000);
        var run = await CurlAsync(["-v", "-w", "%{http_code}", "-T", "-", Address("/artifacts/piped")], content);
        run.Succeeded().ShouldBe("201");
        run.Error.ShouldContain("> Transfer-Encoding: chunked");
        using var client = _node.NewClient(Token);
        SHA256.HashData(await client.GetByteArrayAsync("/artifacts/piped")).ShouldBe(SHA256.HashData(content));
    }

    [Fact]
    public async Task With_f_a_miss_a_wrong_token_and_a_conflict_are_failures_and_the_rest_is_not()
    {
        await PutAsync("/artifacts/there", [1, 2, 3]);
        (await CurlAsync(["-f", "-o", "/dev/null", Address("/artifacts/there")])).ExitCode.ShouldBe(0);
        (await CurlAsync(["-f", "-I", "-o", "/dev/null", Address("/artifacts/there")])).ExitCode.ShouldBe(0);
        (await CurlAsync(["-f", Address("/artifacts/missing")])).ExitCode.ShouldBe(HttpError);
        (await CurlAsync(["-f", "-H", "Authorization: Bearer wrong", Address("/artifacts/there")])).ExitCode.ShouldBe(HttpError);
        (await CurlAsync(["-f", "-T", "-", Address("/artifacts/there")], new byte[] { 9 })).ExitCode.ShouldBe(HttpError);
        (await CurlAsync(["-f", "-u", $"anybody:{Token}", "-o", "/dev/null", Address("/artifacts/there")], token: false)).ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task A_file_that_has_not_changed_is_not_sent_again()
    {
        await PutAsync("/artifacts/same", Blobs.Bytes(1000));
        var etag = Path.Combine(_node.Folder, "etag");
        var file = Path.Combine(_node.Folder, "file");
        string[] arguments = ["--etag-save", etag, "--etag-compare", etag, "-o", file, "-w", "%{http_code} %{size_download}", Address("/artifacts/same")];
        (await CurlAsync(arguments)).Succeeded().ShouldBe("200 1000");
        (await CurlAsync(arguments)).Succeeded().ShouldBe("304 0");
    }

    private string Address(string path) => new Uri(_node.Url, path).AbsoluteUri;

    private Task<ToolRun> CurlAsync(string[] arguments, ReadOnlyMemory<byte> input = default, bool token = true)
    {
        string[] first = ["-sS", "--noproxy", "*", "--max-time", "60"];

        // The first of two equal fields is a wrong one in a test; curl sends both, so the default comes only where the test gives none.
        var own = arguments.Any(a => a.StartsWith("Authorization:", StringComparison.Ordinal));
        string[] access = token && !own ? ["-H", $"Authorization: Bearer {Token}"] : [];
        return ToolRun.RunAsync(_curl, [.. first, .. access, .. arguments], input);
    }

    private async Task PutAsync(string path, byte[] content)
    {
        using var client = _node.NewClient(Token);
        using var body = new ByteArrayContent(content);
        (await client.PutAsync(path, body)).StatusCode.ShouldBe(HttpStatusCode.Created);
    }
}
