using EdgeCache.Codecs.Choosing;
using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Tests.Tls;

namespace EdgeCache.Edge.Tests.Configuration;

public sealed class LayerTests : IDisposable
{
    private const string Port = "EdgeCache:Listen:Port";

    private readonly ConfigurationFixture _machine = new();

    public void Dispose() => _machine.Dispose();

    [Fact]
    public async Task Without_anything_the_defaults_are_in_force()
    {
        var loaded = await _machine.LoadGoodAsync();

        loaded.Settings.Options.Listen.Port.ShouldBe(8080);
        loaded.Settings.Options.Listen.Host.ShouldBe("127.0.0.1");
        loaded.Settings.Options.Storage.Path.ShouldBe(Path.Combine(_machine.Home, ".local", "share", "edgecache"));
        loaded.Settings.Token.ShouldBeNull();
        loaded.OriginOf(Port).ShouldBe("default");
        loaded.Settings.Namespaces.Keys.ShouldBe(["artifacts"]);
    }

    [Fact]
    public async Task Each_layer_wins_over_the_ones_below_and_says_where_it_is()
    {
        _machine.Presets.Add(Presets.TestMode);
        await ShouldBe(8080, "preset --test-mode");
        _machine.WriteBase("""{"EdgeCache": {"Listen": {"Port": 1001}}}""");
        await ShouldBe(1001, $"file {Path.Combine(_machine.BaseDirectory, "appsettings.json")}");
        var file = _machine.WriteConfig("""{"EdgeCache": {"Listen": {"Port": 1002}}}""");
        await ShouldBe(1002, $"file {file}");
        _machine.Environment["BUILDER_CACHE_SERVER_PORT"] = "1003";
        await ShouldBe(1003, "environment BUILDER_CACHE_SERVER_PORT");
        _machine.Environment["EdgeCache__Listen__Port"] = "1004";
        await ShouldBe(1004, "environment EdgeCache__Listen__Port");
        _machine.Flag("--port", Port, "1005");
        await ShouldBe(1005, "flag --port");
    }

    [Theory]
    [InlineData("HOST", "localhost", "EdgeCache:Listen:Host", "localhost")]
    [InlineData("PORT", "81", "EdgeCache:Listen:Port", "81")]
    [InlineData("STORAGE", "/somewhere", "EdgeCache:Storage:Path", "/somewhere")]
    [InlineData("MAX_SIZE", "100000000000", "EdgeCache:Storage:MaxSize", "100 GB")]
    [InlineData("AUTH_TOKEN", "secret-1", "EdgeCache:Access:Token", "secret-1")]
    [InlineData("ENABLE_METRICS", "false", "EdgeCache:Metrics:Enabled", "false")]
    public async Task A_short_variable_sets_its_option(string alias, string value, string key, string expected)
    {
        _machine.Environment[$"BUILDER_CACHE_SERVER_{alias}"] = value;

        var loaded = await _machine.LoadGoodAsync();

        var leaf = OptionSchema.Leaves(loaded.Settings.Options).Single(l => l.Key == key);
        ValueText.Format(leaf.Value).ShouldBe(expected);
        loaded.OriginOf(key).ShouldBe($"environment BUILDER_CACHE_SERVER_{alias}");
    }

    [Fact]
    public async Task Short_variables_that_name_files_set_their_options_relative_to_the_current_folder()
    {
        _machine.Environment["BUILDER_CACHE_SERVER_AUTH_TOKEN_FILE"] = "token";
        _machine.Environment["BUILDER_CACHE_SERVER_TLS_CERT"] = "cert.pem";
        _machine.Environment["BUILDER_CACHE_SERVER_TLS_KEY"] = "key.pem";
        _machine.Write("token", "  secret-2\n");
        var (certificatePem, keyPem) = new TestPki(TimeProvider.System.GetUtcNow()).Issue();
        var certificate = _machine.Write("cert.pem", certificatePem);
        var key = _machine.Write("key.pem", keyPem);

        var loaded = await _machine.LoadGoodAsync();

        loaded.Settings.Token.ShouldBe("secret-2");
        loaded.Settings.Options.Tls.Certificate.ShouldBe(certificate);
        loaded.Settings.Options.Tls.Key.ShouldBe(key);
    }

    [Theory]
    [InlineData("ENABLE_RATE_LIMITING")]
    public async Task What_this_version_does_not_have_may_be_off_but_not_on(string alias)
    {
        _machine.Environment[$"BUILDER_CACHE_SERVER_{alias}"] = "false";
        await _machine.LoadGoodAsync();

        _machine.Environment[$"BUILDER_CACHE_SERVER_{alias}"] = "true";
        var errors = await _machine.LoadBadAsync();
        errors.ShouldHaveSingleItem().ShouldContain($"BUILDER_CACHE_SERVER_{alias}");
    }

    [Fact]
    public async Task The_short_name_switches_compression_and_a_namespace_may_be_left_out()
    {
        _machine.WriteConfig("""{"EdgeCache": {"Storage": {"Compression": {"Level": 9, "MinSize": "4 KiB"}}, "Namespaces": {"nx": {"Compression": "off"}}}}""");
        var settings = (await _machine.LoadGoodAsync()).Settings;
        settings.Compression["artifacts"].ShouldBe(new CompressionPolicy { Level = 9, MinLength = 4096 });
        settings.Compression["nx"].IsEnabled.ShouldBeFalse();

        _machine.Environment["BUILDER_CACHE_SERVER_ENABLE_COMPRESSION"] = "false";
        (await _machine.LoadGoodAsync()).Settings.Compression["artifacts"].IsEnabled.ShouldBeFalse();

        _machine.WriteConfig("""{"EdgeCache": {"Storage": {"Compression": {"Level": 20}}, "Namespaces": {"nx": {"Compression": "on"}}}}""");
        (await _machine.LoadBadAsync()).Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_null_in_a_file_goes_back_to_the_default()
    {
        _machine.WriteBase("""{"EdgeCache": {"Listen": {"Management": "127.0.0.1:9090", "DrainTimeout": "3s"}}}""");
        _machine.WriteConfig("""{"EdgeCache": {"Listen": {"Management": null, "DrainTimeout": null}}}""");

        var listen = (await _machine.LoadGoodAsync()).Settings.Options.Listen;

        listen.Management.ShouldBeNull();
        listen.DrainTimeout.ShouldBe(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task A_list_in_a_stronger_layer_replaces_the_whole_list()
    {
        _machine.WriteConfig("""{"EdgeCache": {"Access": {"AllowedHosts": ["a.example", "b.example", "c.example"]}}}""");
        _machine.Environment["EdgeCache__Access__AllowedHosts__0"] = "d.example";
        (await _machine.LoadGoodAsync()).Settings.Options.Access.AllowedHosts.ShouldBe(["d.example"]);

        _machine.Environment.Remove("EdgeCache__Access__AllowedHosts__0");
        _machine.Environment["EdgeCache__Access__AllowedHosts"] = "e.example, f.example";
        (await _machine.LoadGoodAsync()).Settings.Options.Access.AllowedHosts.ShouldBe(["e.example", "f.example"]);
    }

    [Fact]
    public async Task An_empty_section_makes_a_namespace_with_defaults_and_others_keep_theirs()
    {
        _machine.WriteConfig(
            """
            {
              // Comments and trailing commas are fine.
              "$schema": "https://example.com/edgecache.json",
              "EdgeCache": { "Namespaces": { "cas": {}, "ccache": { "Replaceable": true, "MaxAge": "5m", "MaxBlobSize": "1 MiB" }, } },
            }
            """);

        var namespaces = (await _machine.LoadGoodAsync()).Settings.Namespaces;

        namespaces.Keys.Order(StringComparer.Ordinal).ShouldBe(["artifacts", "cas", "ccache"]);
        namespaces["ccache"].Replaceable.ShouldBeTrue();
        namespaces["ccache"].MaxAge.ShouldBe(TimeSpan.FromMinutes(5));
        namespaces["ccache"].MaxBlobBytes.ShouldBe(1 << 20);
        namespaces["cas"].MaxBlobBytes.ShouldBe(long.MaxValue);
    }

    [Fact]
    public async Task Production_asks_for_a_token_and_gives_way_to_anything_written()
    {
        _machine.Presets.Add(Presets.Production);
        (await _machine.LoadBadAsync()).ShouldHaveSingleItem().ShouldContain("EdgeCache:Listen:Host = \"0.0.0.0\" (preset --production)");

        _machine.Environment["BUILDER_CACHE_SERVER_AUTH_TOKEN"] = "secret-3";
        _machine.WriteBase("""{"EdgeCache": {"Storage": {"MaxSize": "7 GiB"}}}""");
        var loaded = await _machine.LoadGoodAsync();
        loaded.Settings.Options.Storage.MaxSize.ShouldBe(ByteSize.FromGiB(7));
        loaded.Settings.Options.Storage.Path.ShouldBe("/var/cache/edgecache");
        loaded.Settings.Options.Listen.DrainTimeout.ShouldBe(TimeSpan.FromSeconds(60));
        loaded.HostValues["Logging:Console:FormatterName"].ShouldBe("json");
    }

    [Fact]
    public async Task A_token_file_replaces_the_token_of_the_test_mode()
    {
        _machine.Presets.Add(Presets.TestMode);
        (await _machine.LoadGoodAsync()).Settings.Token.ShouldBe("test-token");

        _machine.Write("token", "secret-4");
        _machine.Flag("--auth-token-file", "EdgeCache:Access:TokenFile", "token");
        (await _machine.LoadGoodAsync()).Settings.Token.ShouldBe("secret-4");
    }

    [Fact]
    public async Task The_host_sees_routes_and_logging_but_none_of_our_secrets()
    {
        _machine.Environment["BUILDER_CACHE_SERVER_AUTH_TOKEN"] = "secret-5";
        _machine.Environment["Logging__LogLevel__Default"] = "Debug";
        _machine.Environment["ReverseProxy__Routes__r__Match__Path"] = "/x";

        var values = (await _machine.LoadGoodAsync()).HostValues;

        values["Logging:LogLevel:Default"].ShouldBe("Debug");
        values["ReverseProxy:Routes:r:Match:Path"].ShouldBe("/x");
        string.Join(" ", values.Values).ShouldNotContain("secret-5");
    }

    private async Task ShouldBe(int port, string origin)
    {
        var loaded = await _machine.LoadGoodAsync();
        loaded.Settings.Options.Listen.Port.ShouldBe(port);
        loaded.OriginOf(Port).ShouldBe(origin);
    }
}
