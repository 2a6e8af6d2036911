using System.Net;
using System.Net.Http.Headers;
using EdgeCache.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace EdgeCache.Edge.Tests.Access;

/// <summary>Who may do what where: every scope, namespace, method and way to say who one is, through a whole node.</summary>
public sealed class PermissionTests
{
    private static readonly string[] Methods = ["GET", "HEAD", "PUT", "DELETE"];
    private static readonly string[] Paths = ["/artifacts/team/x", "/artifacts/other", "/cache/one/team/x", "/cache/one/other"];

    private static readonly (string Key, string Value)[] Spaces =
    [
        ("Namespaces:artifacts:SlashInKeys", "true"), ("Namespaces:artifacts:Replaceable", "true"), ("Namespaces:one:SlashInKeys", "true"), ("Namespaces:one:Replaceable", "true"),
    ];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Everybody_may_what_their_scopes_and_reach_say_and_nothing_else(bool anonymousRead)
    {
        string[][] scopes = [["read"], ["write"], ["delete"], ["read", "write"], ["read", "write", "delete"], ["purge"], ["admin"], ["read", "write", "delete", "purge", "admin"]];
        (string Name, string[] Namespaces, string[] Prefixes, string[] Tenants)[] reaches =
            [("all", [], [], []), ("one", ["one"], [], []), ("team", [], ["team/"], []), ("both", ["artifacts"], ["team/"], []), ("tenant", [], [], ["somebody"])];
        var tokens = (from s in scopes
                      from r in reaches
                      select TokenNode.Token($"{string.Join('.', s)}-{r.Name}", s) with { Namespaces = r.Namespaces, Prefixes = r.Prefixes, Tenants = r.Tenants }).ToArray();
        await using var node = await TokenNode.StartAsync(tokens, [.. Spaces, ("Access:AnonymousRead", anonymousRead ? "true" : "false")]);

        foreach (var token in tokens)
        {
            foreach (var path in Paths)
            {
                var reached = IsReached(token.Namespaces, token.Prefixes, token.Tenants, path);
                foreach (var method in Methods)
                {
                    var allowed = reached && token.Scopes.Contains(ScopeOf(method));
                    foreach (var credentials in (AuthenticationHeaderValue[])[TokenNode.Bearer(token.Name), TokenNode.Basic(token.Name, token.Name), TokenNode.Basic("", token.Name)])
                    {
                        using var answer = await AskAsync(node, method, path, credentials);
                        (answer.StatusCode == HttpStatusCode.Forbidden).ShouldBe(!allowed, $"{token.Name} {method} {path} {credentials.Scheme}: {answer.StatusCode}");
                        answer.StatusCode.ShouldNotBe(HttpStatusCode.Unauthorized);
                        ((int)answer.StatusCode).ShouldBeLessThan(500);
                    }
                }
            }
        }
        foreach (var path in Paths)
        {
            foreach (var method in Methods)
            {
                using var anonymous = await AskAsync(node, method, path, null);
                (anonymous.StatusCode == HttpStatusCode.Unauthorized).ShouldBe(!(anonymousRead && ScopeOf(method) == "read"), $"{method} {path} by nobody");
                using var wrong = await AskAsync(node, method, path, TokenNode.Bearer("made-up"));
                wrong.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
                using var configured = await AskAsync(node, method, path, new AuthenticationHeaderValue("Bearer", TestNode.Token));
                configured.StatusCode.ShouldNotBe(HttpStatusCode.Unauthorized);
                configured.StatusCode.ShouldNotBe(HttpStatusCode.Forbidden);
            }
        }
    }

    [Fact]
    public async Task A_write_records_who_made_it()
    {
        await using var node = await TokenNode.StartAsync([TokenNode.Token("ci", "read", "write")]);
        (await AskAsync(node, "PUT", "/artifacts/a", TokenNode.Bearer("ci"))).StatusCode.ShouldBe(HttpStatusCode.Created);
        var found = await node.Node.Services.GetRequiredService<IBlobStore>().StatAsync(BlobKey.Create("artifacts", "", "a"), TestContext.Current.CancellationToken);
        found.Value!.Writer.ShouldBe("ci");
    }

    [Fact]
    public async Task What_everybody_may_read_caches_may_keep_for_all_and_else_not()
    {
        foreach (var (anonymousRead, expected) in ((string, bool)[])[("true", true), ("false", false)])
        {
            await using var node = await TokenNode.StartAsync([TokenNode.Token("ci", "read", "write")], ("Access:AnonymousRead", anonymousRead));
            (await AskAsync(node, "PUT", "/artifacts/a", TokenNode.Bearer("ci"))).StatusCode.ShouldBe(HttpStatusCode.Created);
            using var answer = await AskAsync(node, "GET", "/artifacts/a", TokenNode.Bearer("ci"));
            answer.Headers.CacheControl!.Public.ShouldBe(expected);
        }
    }

    [Fact]
    public async Task Missing_wrong_and_expired_credentials_get_the_same_answer()
    {
        await using var node = await TokenNode.StartAsync([TokenNode.Token("old", "read") with { Expires = DateTimeOffset.UnixEpoch }]);
        var answers = new List<string>();
        foreach (var credentials in (AuthenticationHeaderValue?[])[null, TokenNode.Bearer("made-up"), TokenNode.Bearer("old"), TokenNode.Basic("old", "old"), new("Digest", "x")])
        {
            using var answer = await AskAsync(node, "GET", "/artifacts/a", credentials);
            var body = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            answers.Add($"{answer.StatusCode} {answer.Headers.WwwAuthenticate} {answer.Content.Headers.ContentType} {body}");
        }
        answers.Distinct().ShouldHaveSingleItem().ShouldStartWith("Unauthorized");
    }

    private static async Task<HttpResponseMessage> AskAsync(TokenNode node, string method, string path, AuthenticationHeaderValue? credentials) =>
        await node.SendAsync(new HttpMethod(method), path, credentials, method == "PUT" ? [1, 2, 3] : null);

    private static string ScopeOf(string method) => method switch
    {
        "PUT" => "write",
        "DELETE" => "delete",
        _ => "read",
    };

    private static bool IsReached(string[] namespaces, string[] prefixes, string[] tenants, string path)
    {
        var parts = path.Split('/', 3 + (path.StartsWith("/cache/", StringComparison.Ordinal) ? 1 : 0));
        var space = parts[1] == "cache" ? parts[2] : "artifacts";
        var key = parts[^1];
        return (namespaces.Length == 0 || namespaces.Contains(space)) && (prefixes.Length == 0 || prefixes.Any(p => key.StartsWith(p, StringComparison.Ordinal))) && tenants.Length == 0;
    }
}
