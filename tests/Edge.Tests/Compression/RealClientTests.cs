using EdgeCache.TestKit;

namespace EdgeCache.Edge.Tests.Compression;

/// <summary>Programs that people have, which know nothing of this node, send and get blobs in each coding.</summary>
public sealed class RealClientTests : IDisposable
{
    private static readonly byte[] Text = Contents.Text(3_000_000);
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("zstd", "zstd", "-d")]
    [InlineData("lz4", "lz4", "-d")]
    [InlineData("gzip", "gzip", "-d")]
    public async Task What_curl_gets_in_a_coding_its_own_tool_decodes(string coding, string program, string decode)
    {
        var tool = Tools.Require(program, program);
        foreach (var enabled in (string[])["true", "false"])
        {
            await using var node = await TestNode.StartAsync(("Storage:Compression:Enabled", enabled));
            await node.PutAsync("/artifacts/one", Text);
            await CurlAsync(node, "/artifacts/one", "-H", $"Accept-Encoding: {coding}", "-o", _folder.File("got"));
            (await File.ReadAllBytesAsync(_folder.File("got"), TestContext.Current.CancellationToken)).Length.ShouldBeLessThan(Text.Length / 2);
            (await ToolRun.RunAsync(tool, [decode, "-c", "-f"], await ReadAsync("got"))).Succeeded().ShouldBe(System.Text.Encoding.Latin1.GetString(Text));
        }
    }

    [Theory]
    [InlineData("zstd", "zstd", "-3")]
    [InlineData("zstd", "zstd", "-19", "--long=22")]
    [InlineData("lz4", "lz4", "-1", "-BD")]
    [InlineData("lz4", "lz4", "-9", "--content-size", "-B4")]
    [InlineData("gzip", "gzip", "-6")]
    public async Task What_a_tool_makes_curl_uploads(string coding, string program, params string[] options)
    {
        var tool = Tools.Require(program, program);
        await using var node = await TestNode.StartAsync();
        await File.WriteAllBytesAsync(_folder.File("content"), Text, TestContext.Current.CancellationToken);
        var made = (await ToolRun.RunAsync(tool, [.. options, "-c", _folder.File("content")])).Succeeded();
        await File.WriteAllBytesAsync(_folder.File("payload"), System.Text.Encoding.Latin1.GetBytes(made), TestContext.Current.CancellationToken);
        await CurlAsync(node, "/artifacts/one", "-T", _folder.File("payload"), "-H", $"Content-Encoding: {coding}");
        using var got = await node.GetAsync("/artifacts/one");
        got.Content.Headers.ContentEncoding.ShouldBeEmpty();
        (await got.Content.ReadAsByteArrayAsync()).ShouldBe(Text);
    }

    [Fact]
    public async Task Curl_that_may_decode_gets_the_content_and_one_that_asks_for_nothing_gets_it_as_it_is()
    {
        await using var node = await TestNode.StartAsync();
        await node.PutAsync("/artifacts/one", Text);
        await CurlAsync(node, "/artifacts/one", "--compressed", "-o", _folder.File("decoded"), "-D", _folder.File("header"));
        (await ReadAsync("decoded")).ShouldBe(Text);
        (await File.ReadAllTextAsync(_folder.File("header"), TestContext.Current.CancellationToken)).ShouldContain("Content-Encoding: ");
        await CurlAsync(node, "/artifacts/one", "-o", _folder.File("plain"), "-D", _folder.File("header"));
        (await ReadAsync("plain")).ShouldBe(Text);
        (await File.ReadAllTextAsync(_folder.File("header"), TestContext.Current.CancellationToken)).ShouldNotContain("Content-Encoding");
    }

    private static async Task CurlAsync(TestNode node, string path, params string[] arguments) =>
        (await ToolRun.RunAsync(Tools.Require("curl", "curl"), ["-sS", "--fail", "--noproxy", "*", "-H", $"Authorization: Bearer {TestNode.Token}", .. arguments, $"http://127.0.0.1:{node.Port}{path}"])).Succeeded();

    private Task<byte[]> ReadAsync(string name) => File.ReadAllBytesAsync(_folder.File(name), TestContext.Current.CancellationToken);
}
