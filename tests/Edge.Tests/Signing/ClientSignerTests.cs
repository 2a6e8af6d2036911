using System.Net;
using System.Runtime.CompilerServices;
using EdgeCache.Client.Signing;
using EdgeCache.TestKit;

namespace EdgeCache.Edge.Tests.Signing;

/// <summary>What the client library signs, a node takes; and the lines that the documentation shows are the ones that run here.</summary>
public sealed class ClientSignerTests
{
    private const string Secret = "0123456789abcdef0123456789abcdef";
    private const string Public = "http://127.0.0.1:8080";

    [Fact]
    public async Task A_node_takes_what_the_lines_of_the_documentation_sign()
    {
        string Sign(string secret, string path)
        {
            var signer = new EdgeCacheUrlSigner("k1", secret, "http://127.0.0.1:8080");
            var request = new SigningRequest(path, SignedMethods.Get | SignedMethods.Head, TimeProvider.System.GetUtcNow().AddHours(2));
            return signer.Sign(request);
        }

        await using var node = await StartAsync();
        await node.PutAsync("/artifacts/app.tar", [1, 2, 3]);
        node.Client.DefaultRequestHeaders.Authorization = null;
        var url = Sign(Secret, "/artifacts/app.tar");
        (await node.Client.GetByteArrayAsync(url[Public.Length..])).ShouldBe([1, 2, 3]);
        (await node.GetAsync(Sign(Secret.Replace('f', 'e'), "/artifacts/app.tar")[Public.Length..])).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        Lines(ThisFile()).ShouldContain(Shown());
    }

    [Fact]
    public async Task A_node_takes_everything_that_the_library_can_say_and_no_more()
    {
        await using var node = await StartAsync();
        node.Client.DefaultRequestHeaders.Authorization = null;
        var signer = new EdgeCacheUrlSigner("k1", Secret, Public);
        var now = TimeProvider.System.GetUtcNow();
        var put = new SigningRequest("/artifacts/new", SignedMethods.Put, now.AddMinutes(5), now.AddMinutes(-1), "127.0.0.0/8");
        (await node.PutAsync(Path(put), [9])).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await node.GetAsync(Path(put))).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await node.PutAsync(Path(put with { Client = "192.0.2.0/24" }), [9])).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await node.PutAsync(Path(put with { NotBefore = now.AddMinutes(4) }), [9])).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        var under = new SigningRequest("/artifacts/new?v=1", SignedMethods.Get, now.AddMinutes(5), Under: "/artifacts/");
        (await node.GetAsync(Path(under))).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await node.GetAsync(Path(under).Replace("/new?v=1", "/other?v=2", StringComparison.Ordinal))).StatusCode.ShouldBe(HttpStatusCode.NotFound, "signed for, and not there");
        (await node.GetAsync(Path(under with { Methods = SignedMethods.Delete }))).StatusCode.ShouldBe(HttpStatusCode.Forbidden);

        string Path(SigningRequest request) => signer.Sign(request)[Public.Length..];
    }

    private static Task<TestNode> StartAsync() => TestNode.StartAsync(
        ("SignedUrls:own:Keys:k1:Secret", Secret), ("SignedUrls:own:PublicUrl", Public), ("SignedUrls:own:Methods", "GET,HEAD,PUT"), ("Namespaces:artifacts:SignedUrl", "own"));

    /// <summary>The C# of the page, without what it begins with.</summary>
    private static string Shown()
    {
        var page = File.ReadAllText(Repository.Path("docs/signed-urls.md"));
        var code = page.Split("```csharp\n")[1].Split("```")[0];
        return Lines(code.Split("using EdgeCache.Client.Signing;\n")[1]);
    }

    private static string Lines(string code) => string.Join('\n', code.Split('\n').Select(l => l.Trim()).Where(l => l.Length > 0));

    private static string ThisFile([CallerFilePath] string path = "") => File.ReadAllText(path);
}
