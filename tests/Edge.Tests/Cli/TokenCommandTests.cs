using EdgeCache.Edge.Access;
using EdgeCache.Edge.Tests.Configuration;

namespace EdgeCache.Edge.Tests.Cli;

public sealed class TokenCommandTests : IDisposable
{
    private readonly ConfigurationFixture _machine = new();

    private string ListPath => Path.Combine(_machine.CurrentDirectory, "store", TokenListFile.DefaultName);

    public void Dispose() => _machine.Dispose();

    [Fact]
    public async Task A_token_is_made_shown_once_listed_and_revoked()
    {
        var (exit, secret, error) = await RunAsync("create", "ci", "--scope", "read", "write", "--scope", "delete", "--namespace", "cas", "--prefix", "a/", "--expires-in", "90d", "--requests-per-second", "50", "--bytes-per-second", "10MB");
        exit.ShouldBe(0, error);
        secret.TrimEnd().ShouldMatch("^ect_[A-Za-z0-9_-]{43}$");
        error.ShouldContain("read, write, delete");
        (await File.ReadAllTextAsync(ListPath)).ShouldNotContain(secret.Trim());
        var entry = TokenList.TryParse(await File.ReadAllBytesAsync(ListPath), out _).ShouldNotBeNull().Tokens.ShouldHaveSingleItem();
        entry.Limits.ShouldBe(new TokenLimits { RequestsPerSecond = 50, BytesPerSecond = 10_000_000 });
        (entry.Expires!.Value - entry.Created).ShouldBe(TimeSpan.FromDays(90));

        (_, var other, _) = await RunAsync("create", "reader");
        other.ShouldNotBe(secret);

        (exit, var list, _) = await RunAsync("list");
        exit.ShouldBe(0);
        list.Split('\n')[1].ShouldMatch(@"^ci +read,write,delete +namespace=cas prefix=a/ +\S+Z +\S+Z$");
        list.Split('\n')[2].ShouldMatch(@"^reader +read +everywhere +\S+Z +never$");

        (exit, _, _) = await RunAsync("revoke", "ci");
        exit.ShouldBe(0);
        (_, list, _) = await RunAsync("list");
        list.ShouldNotContain("ci ");
        list.ShouldContain("reader");
    }

    [Theory]
    [InlineData("--scope", "reed")]
    [InlineData("--namespace", "No")]
    [InlineData("--expires-in", "soon")]
    [InlineData("--expires-in", "0s")]
    [InlineData("--expires-in", "99999d")]
    [InlineData("--requests-per-second", "-1")]
    [InlineData("--bytes-per-second", "much")]
    public async Task What_makes_no_sense_makes_no_token(string flag, string value)
    {
        var (exit, output, error) = await RunAsync("create", "ci", flag, value);
        exit.ShouldNotBe(0);
        error.ShouldNotBeEmpty();
        output.ShouldBeEmpty();
        File.Exists(ListPath).ShouldBeFalse();
    }

    [Fact]
    public async Task A_name_is_given_once_and_what_is_not_there_is_not_revoked()
    {
        await RunAsync("create", "ci");
        var (exit, _, error) = await RunAsync("create", "ci");
        exit.ShouldBe(1);
        error.ShouldContain("two tokens named 'ci'");
        (exit, _, error) = await RunAsync("revoke", "nobody");
        exit.ShouldBe(1);
        error.ShouldContain("There is no token 'nobody'");
    }

    private Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] args) => _machine.RunAsync(["token", .. args, "--storage", "store"]);
}
