using System.Text;
using EdgeCache.Edge.Access;
using EdgeCache.Edge.Configuration;
using EdgeCache.TestKit;

namespace EdgeCache.Edge.Tests.Access;

public sealed class TokenListTests : IDisposable
{
    private const string Digest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_list_is_read_back_as_it_was_written()
    {
        var entry = new TokenEntry
        {
            Name = "ci",
            Sha256 = Digest,
            Scopes = ["read", "write"],
            Namespaces = ["cas"],
            Tenants = ["team"],
            Prefixes = ["a/", "b"],
            Created = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
            Expires = new DateTimeOffset(2027, 1, 2, 3, 4, 5, TimeSpan.Zero),
            Limits = new TokenLimits { RequestsPerSecond = 5, Burst = 6, BytesPerSecond = 7 },
        };
        var bytes = TokenList.TryCreate([entry], out var fault).ShouldNotBeNull(fault).ToBytes();
        var read = TokenList.TryParse(bytes, out _).ShouldNotBeNull().Tokens.ShouldHaveSingleItem();
        read.ShouldBeEquivalentTo(entry);
        Encoding.UTF8.GetString(bytes).ShouldContain("\"version\": 1");
    }

    [Theory]
    [InlineData("", "is damaged")]
    [InlineData("{", "is damaged")]
    [InlineData("[]", "is damaged")]
    [InlineData("null", "is not a list of tokens")]
    [InlineData("{}", "is not a list of tokens")]
    [InlineData("""{"format":"edgecache-tokens","version":2,"tokens":[]}""", "newer EdgeCache")]
    [InlineData("""{"format":"edgecache-tokens","version":1}""", "is damaged")]
    [InlineData("""{"format":"edgecache-tokens","version":1,"tokens":null}""", "is damaged")]
    [InlineData("""{"format":"edgecache-tokens","version":1,"tokens":[{"name":"a","sha256":"x","scopes":["read"]}]}""", "no SHA-256")]
    [InlineData("""{"format":"edgecache-tokens","version":1,"tokens":[{"name":"a","sha256":"@","scopes":["reed"]}]}""", "scopes that are none")]
    [InlineData("""{"format":"edgecache-tokens","version":1,"tokens":[{"name":"a","sha256":"@","scopes":[]}]}""", "scopes that are none")]
    [InlineData("""{"format":"edgecache-tokens","version":1,"tokens":[{"name":"a b","sha256":"@","scopes":["read"]}]}""", "bad name")]
    [InlineData("""{"format":"edgecache-tokens","version":1,"tokens":[{"name":"token","sha256":"@","scopes":["read"]}]}""", "set in the configuration")]
    [InlineData("""{"format":"edgecache-tokens","version":1,"tokens":[{"name":"a","sha256":"@","scopes":["read"],"namespaces":["A"]}]}""", "can't exist")]
    [InlineData("""{"format":"edgecache-tokens","version":1,"tokens":[{"name":"a","sha256":"@","scopes":["read"],"prefixes":[""]}]}""", "prefix")]
    [InlineData("""{"format":"edgecache-tokens","version":1,"tokens":[{"name":"a","sha256":"@","scopes":["read"],"limits":{"burst":-1}}]}""", "below 0")]
    [InlineData("""{"format":"edgecache-tokens","version":1,"tokens":[{"name":"a","sha256":"@","scopes":["read"],"onlyOnSundays":true}]}""", "edited wrongly")]
    [InlineData("""{"format":"edgecache-tokens","version":1,"tokens":[{"name":"a","sha256":"@","scopes":["read"]},{"name":"a","sha256":"@","scopes":["read"]}]}""", "two tokens named 'a'")]
    public void A_damaged_list_is_refused_and_it_is_said_why(string content, string reason)
    {
        TokenList.TryParse(Encoding.UTF8.GetBytes(content.Replace("@", Digest, StringComparison.Ordinal)), out var fault).ShouldBeNull();
        fault.ShouldNotBeNull().ShouldContain(reason);
    }

    [Fact]
    public async Task A_change_writes_a_whole_new_file_that_is_its_owners_alone()
    {
        var options = Options();
        await TokenListFile.ChangeAsync(options, list => With(list, "one", 'a'), TestContext.Current.CancellationToken);
        await TokenListFile.ChangeAsync(options, list => With(list, "two", 'b'), TestContext.Current.CancellationToken);
        TokenListFile.TryRead(options, out _).ShouldNotBeNull().Tokens.Select(t => t.Name).ShouldBe(["one", "two"]);
        if (!OperatingSystem.IsWindows())
        {
            File.GetUnixFileMode(TokenListFile.PathOf(options)).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
            File.GetUnixFileMode(options.Storage.Path!).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        Directory.GetFiles(options.Storage.Path!).Select(Path.GetFileName).Order(StringComparer.Ordinal).ShouldBe(["tokens.json", "tokens.json.lock"]);
    }

    [Fact]
    public async Task A_change_that_fails_leaves_the_list_as_it_was()
    {
        var options = Options();
        await TokenListFile.ChangeAsync(options, list => With(list, "one", 'a'), TestContext.Current.CancellationToken);
        var before = await File.ReadAllBytesAsync(TokenListFile.PathOf(options), TestContext.Current.CancellationToken);
        await Should.ThrowAsync<IOException>(() => TokenListFile.ChangeAsync(options, _ => throw new IOException("no"), TestContext.Current.CancellationToken));
        (await File.ReadAllBytesAsync(TokenListFile.PathOf(options), TestContext.Current.CancellationToken)).ShouldBe(before);
    }

    [Fact]
    public async Task Two_changes_at_once_do_not_lose_one_of_them()
    {
        var options = Options();
        await TokenListFile.ChangeAsync(options, list => With(list, "one", 'a'), TestContext.Current.CancellationToken);
        await Should.ThrowAsync<IOException>(() => TokenListFile.ChangeAsync(options, list =>
        {
            TokenListFile.ChangeAsync(options, inner => With(inner, "two", 'b'), TestContext.Current.CancellationToken).GetAwaiter().GetResult();
            return list;
        }, TestContext.Current.CancellationToken));
        TokenListFile.TryRead(options, out _).ShouldNotBeNull().Tokens.Select(t => t.Name).ShouldBe(["one"]);
    }

    [Fact]
    public void No_list_is_none_unless_it_was_named()
    {
        var options = Options();
        TokenListFile.IsExpected(options).ShouldBeFalse();
        TokenListFile.TryRead(options, out _).ShouldNotBeNull().IsThere.ShouldBeFalse();
        options.Access.TokenList = _folder.File("list.json");
        TokenListFile.IsExpected(options).ShouldBeTrue();
        TokenListFile.TryRead(options, out _).ShouldNotBeNull().IsThere.ShouldBeTrue("nobody may do anything until there is a token");
    }

    private static TokenList With(TokenList list, string name, char digit) =>
        TokenList.TryCreate([.. list.Tokens, new TokenEntry { Name = name, Sha256 = new string(digit, 64), Scopes = ["read"] }], out _)!;

    private EdgeCacheOptions Options() => new() { Storage = { Path = _folder.File("store") } };
}
