using EdgeCache.Edge.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Primitives;
using Microsoft.Extensions.Time.Testing;

namespace EdgeCache.Edge.Tests.Configuration;

public sealed class ReloadTests : IDisposable
{
    private const string OneRoute = """{"ReverseProxy": {"Routes": {"r": {"Match": {"Path": "/one"}}}}, "EdgeCache": {"Listen": {"Port": 8081}}}""";

    private readonly ConfigurationFixture _machine = new();
    private readonly ListLogger _log = new();
    private LiveSettings _live = null!;
    private PublishedConfiguration _published = null!;

    public void Dispose() => _machine.Dispose();

    [Fact]
    public async Task A_changed_file_is_put_in_force_and_an_unchanged_one_is_not_read_again()
    {
        _machine.WriteConfig(OneRoute);
        using var reloader = await StartAsync();
        (await reloader.CheckAsync()).ShouldBeFalse();

        _machine.WriteConfig("""{"EdgeCache": {"Listen": {"Port": 8081}, "Namespaces": {"cas": {"Verified": true}}, "Access": {"AllowedHosts": ["a.example"]}}, "Logging": {"LogLevel": {"Default": "Debug"}}}""");
        (await reloader.CheckAsync()).ShouldBeTrue();

        _live.Current.Namespaces["cas"].Verified.ShouldBeTrue();
        _live.Current.Options.Access.AllowedHosts.ShouldBe(["a.example"]);
        _published.TryGet("Logging:LogLevel:Default", out var level).ShouldBeTrue();
        level.ShouldBe("Debug");
        _published.TryGet("ReverseProxy:Routes:r:Match:Path", out _).ShouldBeFalse();
        _log.Lines.ShouldHaveSingleItem().ShouldContain("EdgeCache:Access:AllowedHosts:0");
        (await reloader.CheckAsync()).ShouldBeFalse();
    }

    [Theory]
    [InlineData("""{"EdgeCache": """, "node.json: is not valid JSON at line 1")]
    [InlineData("", "node.json: is not valid JSON at line 1")]
    [InlineData("""{"EdgeCache": {"Listen": {"Port": 8081}, "Access": {"Tokn": "x"}}}""", "EdgeCache:Access:Tokn")]
    [InlineData("""{"ReverseProxy": {"Routes": {"r": {"Match": {"Path": "/{**x"}}}}}""", "ReverseProxy:Routes:r: Invalid path")]
    [InlineData("""{"Logging": {"LogLevel": {"Default": "Loud"}}}""", "Logging:LogLevel:Default = \"Loud\"")]
    public async Task A_bad_file_is_reported_once_and_the_last_good_stays(string bad, string expected)
    {
        _machine.WriteConfig(OneRoute);
        using var reloader = await StartAsync();
        var good = _live.Current;

        _machine.WriteConfig(bad);
        (await reloader.CheckAsync()).ShouldBeFalse();
        (await reloader.CheckAsync()).ShouldBeFalse();

        _live.Current.ShouldBeSameAs(good);
        _published.TryGet("ReverseProxy:Routes:r:Match:Path", out var path).ShouldBeTrue();
        path.ShouldBe("/one");
        _log.Lines.Where(l => l.Contains(expected, StringComparison.Ordinal)).ShouldHaveSingleItem();

        _machine.WriteConfig(OneRoute);
        (await reloader.CheckAsync()).ShouldBeTrue();
    }

    [Fact]
    public async Task A_file_that_goes_away_for_a_moment_changes_nothing()
    {
        _machine.WriteConfig(OneRoute);
        using var reloader = await StartAsync();
        File.Delete(Path.Combine(_machine.CurrentDirectory, "node.json"));

        (await reloader.CheckAsync()).ShouldBeFalse();
        _log.Lines.ShouldContain(l => l.Contains("there is no file", StringComparison.Ordinal));
        _live.Current.Options.Listen.Port.ShouldBe(8081);
    }

    [Fact]
    public async Task A_link_that_is_swapped_counts_as_a_change()
    {
        var a = _machine.Write("a.json", """{"EdgeCache": {"Namespaces": {"aa": {}}}}""");
        var b = _machine.Write("b.json", """{"EdgeCache": {"Namespaces": {"bb": {}}}}""");
        File.SetLastWriteTimeUtc(b, File.GetLastWriteTimeUtc(a));
        var link = Path.Combine(_machine.CurrentDirectory, "node.json");
        File.CreateSymbolicLink(link, a);
        _machine.ConfigFile = link;
        using var reloader = await StartAsync();

        File.Delete(link);
        File.CreateSymbolicLink(link, b);

        (await reloader.CheckAsync()).ShouldBeTrue();
        _live.Current.Namespaces.Keys.Order(StringComparer.Ordinal).ShouldBe(["artifacts", "bb"]);
    }

    [Fact]
    public async Task A_new_token_is_taken_from_its_file_but_an_empty_file_is_not()
    {
        var file = _machine.Write("token", "secret-one");
        _machine.Flag("--auth-token-file", "EdgeCache:Access:TokenFile", "token");
        using var reloader = await StartAsync();

        File.WriteAllText(file, "");
        (await reloader.CheckAsync()).ShouldBeFalse();
        _live.Current.Token.ShouldBe("secret-one");
        File.Delete(file);
        (await reloader.CheckAsync()).ShouldBeFalse();
        _live.Current.Token.ShouldBe("secret-one");
        File.WriteAllText(file, "secret-two\n");
        (await reloader.CheckAsync()).ShouldBeTrue();
        _live.Current.Token.ShouldBe("secret-two");
        _log.Lines.ShouldAllBe(l => !l.Contains("secret", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_needs_a_restart_keeps_its_value_and_is_named()
    {
        _machine.WriteConfig(OneRoute);
        using var reloader = await StartAsync();

        _machine.WriteConfig("""{"EdgeCache": {"Listen": {"Port": 9999}, "Storage": {"MaxSize": "1 TB"}, "Namespaces": {"cas": {}}}}""");
        (await reloader.CheckAsync()).ShouldBeTrue();

        _live.Current.Options.Listen.Port.ShouldBe(8081);
        _live.Current.Options.Storage.MaxSize.ShouldBe(ByteSize.FromGiB(10));
        _live.Current.Namespaces.Keys.ShouldBe(["artifacts", "cas"], ignoreOrder: true);
        _log.Lines.Count(l => l.StartsWith("Warning", StringComparison.Ordinal)).ShouldBe(2);
        _log.Lines.ShouldContain(l => l == "Warning EdgeCache:Listen:Port is now 9999, which needs a restart; 8081 stays in force until then");
    }

    [Fact]
    public async Task A_token_stays_as_long_as_the_open_address_stays()
    {
        _machine.WriteConfig("""{"EdgeCache": {"Listen": {"Host": "0.0.0.0"}, "Access": {"Token": "secret-one"}}}""");
        using var reloader = await StartAsync();

        // Good for a restart; but until then the node listens on every address, and must not do so without its token.
        _machine.WriteConfig("""{"EdgeCache": {"Listen": {"Host": "127.0.0.1"}}}""");

        (await reloader.CheckAsync()).ShouldBeFalse();
        _live.Current.Token.ShouldBe("secret-one");
        _log.Lines.ShouldContain(l => l.StartsWith("Error", StringComparison.Ordinal) && l.Contains("EdgeCache:Listen:Host", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Asked_by_name_the_configuration_is_loaded_even_when_no_file_changed()
    {
        using var reloader = await StartAsync();

        (await reloader.ReloadAsync()).ShouldBeTrue();

        _log.Lines.ShouldHaveSingleItem().ShouldContain("no key changed");
    }

    [Fact]
    public async Task The_service_looks_every_second()
    {
        _machine.WriteConfig(OneRoute);
        using var reloader = await StartAsync();
        var time = new FakeTimeProvider();
        using var service = new ReloadService(reloader, time, NullLogger<ReloadService>.Instance);
        await service.StartAsync(CancellationToken.None);
        var reloaded = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var subscription = ChangeToken.OnChange(_published.GetReloadToken, () => reloaded.TrySetResult());
        _machine.WriteConfig("""{"EdgeCache": {"Listen": {"Port": 8081}, "Namespaces": {"cas": {}}}}""");

        time.Advance(TimeSpan.FromMilliseconds(999));
        reloaded.Task.IsCompleted.ShouldBeFalse();

        // The timer is made when the service gets to run, which may be after this line: every step is one more second for it.
        while (!reloaded.Task.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        _live.Current.Namespaces.Keys.ShouldBe(["artifacts", "cas"], ignoreOrder: true);
        await service.StopAsync(CancellationToken.None);
    }

    private async Task<ConfigurationReloader> StartAsync()
    {
        var loaded = await _machine.LoadGoodAsync();
        _live = new LiveSettings(loaded.Settings);
        _published = new PublishedConfiguration(loaded.HostValues);
        return new ConfigurationReloader(loaded, _live, _published, _log);
    }

    private sealed class ListLogger : ILogger<ConfigurationReloader>
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Add($"{logLevel} {formatter(state, exception)}");
    }
}
