using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using EdgeCache.Edge.Access;
using EdgeCache.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace EdgeCache.Edge.Tests.Access;

/// <summary>A node with a list of tokens beside the one token of the configuration.</summary>
internal sealed class TokenNode : IAsyncDisposable
{
    private readonly TestFolder _folder;

    private TokenNode(TestFolder folder, TestNode node)
    {
        _folder = folder;
        Node = node;
    }

    public TestNode Node { get; }

    public string ListPath => PathIn(_folder);

    /// <summary>Starts a node. The secret of a token is its name with <c>-secret</c> after it.</summary>
    public static Task<TokenNode> StartAsync(TokenEntry[] tokens, params (string Key, string Value)[] settings) => StartAsync(tokens, null, settings);

    /// <inheritdoc cref="StartAsync(TokenEntry[], ValueTuple{string, string}[])"/>
    public static async Task<TokenNode> StartAsync(TokenEntry[] tokens, Action<IServiceCollection>? configure, params (string Key, string Value)[] settings)
    {
        var folder = new TestFolder();
        await File.WriteAllBytesAsync(PathIn(folder), ListOf(tokens), TestContext.Current.CancellationToken);
        var node = await TestNode.StartAsync(configure, [("Access:TokenList", PathIn(folder)), .. settings]);
        return new TokenNode(folder, node);
    }

    public static TokenEntry Token(string name, params string[] scopes) =>
        new() { Name = name, Sha256 = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{name}-secret"))), Scopes = scopes };

    /// <summary>Puts another list in place, and has the node look.</summary>
    public bool Replace(params TokenEntry[] tokens) => ReplaceWith(ListOf(tokens));

    public bool ReplaceWith(byte[] content)
    {
        var next = _folder.File("next");
        File.WriteAllBytes(next, content);
        File.Move(next, ListPath, overwrite: true);
        return Watcher.Check();
    }

    public TokenListWatcher Watcher => Node.Services.GetServices<IHostedService>().OfType<TokenListWatcher>().Single();

    public Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, AuthenticationHeaderValue? credentials, byte[]? content = null)
    {
        var request = new HttpRequestMessage(method, path) { Content = content is null ? null : new ByteArrayContent(content) };
        Node.Client.DefaultRequestHeaders.Authorization = null;
        request.Headers.Authorization = credentials;
        return Node.Client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    public static AuthenticationHeaderValue Bearer(string name) => new("Bearer", $"{name}-secret");

    public static AuthenticationHeaderValue Basic(string user, string name) => new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{name}-secret")));

    public async ValueTask DisposeAsync()
    {
        await Node.DisposeAsync();
        _folder.Dispose();
    }

    private static string PathIn(TestFolder folder) => folder.File("tokens.json");

    private static byte[] ListOf(TokenEntry[] tokens) => TokenList.TryCreate(tokens, out var fault).ShouldNotBeNull(fault).ToBytes();
}
