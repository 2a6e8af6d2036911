namespace EdgeCache.Edge.Tests.Configuration;

public sealed class ValidationTests : IDisposable
{
    private readonly ConfigurationFixture _machine = new();

    public void Dispose() => _machine.Dispose();

    [Theory]
    [InlineData("EdgeCache:Listen:Port", "http")]
    [InlineData("EdgeCache:Listen:Port", "65536")]
    [InlineData("EdgeCache:Listen:Port", "-1")]
    [InlineData("EdgeCache:Listen:Port", "99999999999999999999")]
    [InlineData("EdgeCache:Listen:Host", "example.com")]
    [InlineData("EdgeCache:Listen:Host", "127.1")]
    [InlineData("EdgeCache:Listen:Host", "[::1]:80")]
    [InlineData("EdgeCache:Listen:Host", "0.0.0.0")]
    [InlineData("EdgeCache:Listen:Host", "*")]
    [InlineData("EdgeCache:Listen:Host", "::")]
    [InlineData("EdgeCache:Listen:Management", "127.0.0.1")]
    [InlineData("EdgeCache:Listen:Management", "127.0.0.1:99999")]
    [InlineData("EdgeCache:Listen:Management", "::1:9090")]
    [InlineData("EdgeCache:Listen:Management", "127.0.0.1:0")]
    [InlineData("EdgeCache:Listen:Management", "127.0.0.1:8080")]
    [InlineData("EdgeCache:Listen:Management", "192.0.2.1:8080")]
    [InlineData("EdgeCache:Listen:DrainTimeout", "30")]
    [InlineData("EdgeCache:Listen:DrainTimeout", "2h")]
    [InlineData("EdgeCache:Listen:DrainTimeout", "-00:00:01")]
    [InlineData("EdgeCache:Storage:MaxSize", "lots")]
    [InlineData("EdgeCache:Storage:MaxSize", "1 KB")]
    [InlineData("EdgeCache:Storage:MinFreeSpace", "-1")]
    [InlineData("EdgeCache:Storage:LockTimeout", "11m")]
    [InlineData("EdgeCache:Storage:Origin:Cluster", "none")]
    [InlineData("EdgeCache:Storage:Origin:Kind", "ftp")]
    [InlineData("EdgeCache:Storage:Origin:PathPrefix", "far")]
    [InlineData("EdgeCache:Storage:Origin:PathPrefix", "/far/")]
    [InlineData("EdgeCache:Storage:Origin:PathPrefix", "../")]
    [InlineData("EdgeCache:Storage:Origin:Timeout", "11m")]
    [InlineData("EdgeCache:Storage:Origin:ConnectTimeout", "0s")]
    [InlineData("EdgeCache:Delivery:RedirectAbove", "-1")]
    [InlineData("EdgeCache:Delivery:RedirectLifetime", "8d")]
    [InlineData("EdgeCache:Access:AllowAnonymous", "yes")]
    [InlineData("EdgeCache:Limits:MinBodyBytesPerSecond", "-1")]
    [InlineData("EdgeCache:Limits:BodyGracePeriod", "1s")]
    [InlineData("EdgeCache:Limits:HeaderTimeout", "500ms")]
    [InlineData("EdgeCache:Limits:KeepAliveTimeout", "61m")]
    [InlineData("EdgeCache:Limits:MaxConnections", "many")]
    [InlineData("EdgeCache:Metrics:Enabled", "on")]
    [InlineData("EdgeCache:Namespaces:artifacts:MaxAge", "366d")]
    [InlineData("EdgeCache:Namespaces:artifacts:MaxBlobSize", "9 EiB")]
    [InlineData("EdgeCache:Tls:Certificate", "/no/such/file.pem")]
    [InlineData("EdgeCache:Tls:Key", "/no/such/file.pem")]
    [InlineData("EdgeCache:Access:TokenFile", "/no/such/file")]
    [InlineData("Logging:LogLevel:Default", "Loud")]
    [InlineData("Logging:Console:FormatterName", "xml")]
    public async Task A_bad_value_is_reported_with_its_key_its_text_and_its_origin(string key, string value)
    {
        var name = key.Replace(":", "__", StringComparison.Ordinal);
        _machine.Environment[name] = value;

        var errors = await _machine.LoadBadAsync();

        errors.ShouldAllBe(e => e.StartsWith($"{key} = \"{value}\" (environment {name}): ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("EdgeCache:Listen:Prot", "Did you mean EdgeCache:Listen:Port?")]
    [InlineData("EdgeCache:Lisen:Port", "Did you mean EdgeCache:Listen?")]
    [InlineData("EdgeCache:Port", "Did you mean EdgeCache:Listen:Port?")]
    [InlineData("EdgeCache:Namespaces:artifacts:Verifed", "Did you mean EdgeCache:Namespaces:artifacts:Verified?")]
    [InlineData("EdgeCache:Completely:Different", "EdgeCache:Completely")]
    [InlineData("EdgeCache:Listen:Port:Number", "EdgeCache:Listen:Port is a single value")]
    [InlineData("EdgeCache:Listen", "is a section with Host, Port")]
    [InlineData("EdgCache:Listen:Port", "Did you mean EdgeCache?")]
    public async Task A_key_that_is_not_known_is_an_error_that_never_shows_the_value(string key, string expected)
    {
        _machine.WriteConfig($$"""{"{{key}}": "do-not-show"}""");

        var error = (await _machine.LoadBadAsync()).ShouldHaveSingleItem();

        error.ShouldContain(expected);
        error.ShouldContain("node.json");
        error.ShouldNotContain("do-not-show");
    }

    [Theory]
    [InlineData("Bad_Name", "{}", "EdgeCache:Namespaces:Bad_Name (")]
    [InlineData("cas", """{"Verified": true, "Replaceable": true}""", "EdgeCache:Namespaces:cas:Replaceable")]
    [InlineData("cas", """{"Verified": true, "SlashInKeys": true}""", "EdgeCache:Namespaces:cas:SlashInKeys")]
    public async Task Namespaces_that_make_no_sense_are_refused(string name, string json, string expected)
    {
        _machine.WriteConfig($$"""{"EdgeCache": {"Namespaces": {"{{name}}": {{json}} } } }""");

        var error = (await _machine.LoadBadAsync()).ShouldHaveSingleItem();

        error.ShouldStartWith(expected);
        error.ShouldContain("node.json");
    }

    [Fact]
    public async Task All_errors_of_all_layers_are_reported_together()
    {
        _machine.WriteBase("""{"EdgeCache": {"Listen": {"Prot": 1}}}""");
        _machine.WriteConfig("{\n  \"EdgeCache\": oops\n}");
        _machine.Environment["BUILDER_CACHE_SERVER_PORT"] = "x";
        _machine.Environment["BUILDER_CACHE_SERVER_ENABLE_RATE_LIMITNG"] = "false";
        _machine.Environment["EdgeCache__Storage__MaxSize"] = "";
        _machine.Environment["ReverseProxy__Routes__r__ClusterId"] = "nowhere";
        _machine.Flag("--max-size", "EdgeCache:Storage:MinFreeSpace", "y");

        var errors = await _machine.LoadBadAsync();

        string[] expected =
        [
            "node.json: is not valid JSON at line 2,",
            "BUILDER_CACHE_SERVER_ENABLE_RATE_LIMITNG: is not a known variable. Did you mean BUILDER_CACHE_SERVER_ENABLE_RATE_LIMITING?",
            "EdgeCache:Listen:Prot",
            "EdgeCache:Listen:Port = \"x\"",
            "EdgeCache:Storage:MaxSize (environment EdgeCache__Storage__MaxSize): is empty",
            "EdgeCache:Storage:MinFreeSpace = \"y\" (flag --max-size)",
            "ReverseProxy:Routes:r: Route 'r' requires Hosts or Path",
            "ReverseProxy:Routes:r:ClusterId = \"nowhere\"",
        ];
        foreach (var text in expected)
            errors.Where(e => e.Contains(text, StringComparison.Ordinal)).ShouldHaveSingleItem(text);
        errors.Count.ShouldBe(expected.Length);
    }

    [Theory]
    [InlineData("""{"Token": "do-not-show\n"}""", "EdgeCache:Access:Token")]
    [InlineData("""{"Token": {"x": "do-not-show"}}""", "EdgeCache:Access:Token:x")]
    [InlineData("""{"Token": "do-not-show", "TokenFile": "token"}""", "EdgeCache:Access:Token ")]
    [InlineData("""{"Tokn": "do-not-show"}""", "Did you mean EdgeCache:Access:Token?")]
    [InlineData("""{"TokenFile": "two-lines"}""", "EdgeCache:Access:TokenFile")]
    [InlineData("""{"TokenFile": "empty"}""", "EdgeCache:Access:TokenFile")]
    [InlineData("""{"Token": do-not-show}""", "line 1")]
    [InlineData("""{"Token": "do-not-show\ud800"}""", "not valid UTF-8")]
    [InlineData("""{"Token": "do-not-show", "token": "do-not-show"}""", "twice")]
    public async Task A_secret_is_in_no_error(string access, string expected)
    {
        _machine.Write("token", "do-not-show");
        _machine.Write("two-lines", "do-not-show\ndo-not-show");
        _machine.Write("empty", " \n");
        _machine.WriteConfig($$"""{"EdgeCache": {"Access": {{access}} } }""");

        var errors = await _machine.LoadBadAsync();

        errors.ShouldContain(e => e.Contains(expected, StringComparison.Ordinal));
        errors.ShouldAllBe(e => !e.Contains("do-not-show", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("*")]
    [InlineData("192.0.2.1")]
    public async Task Beyond_this_machine_a_token_or_the_open_word_is_needed(string host)
    {
        _machine.Environment["BUILDER_CACHE_SERVER_HOST"] = host;
        (await _machine.LoadBadAsync()).ShouldHaveSingleItem().ShouldContain("--allow-anonymous");

        _machine.Flag("--allow-anonymous", "EdgeCache:Access:AllowAnonymous", "true");
        await _machine.LoadGoodAsync();

        _machine.Flags.Clear();
        _machine.Environment["BUILDER_CACHE_SERVER_AUTH_TOKEN"] = "t";
        await _machine.LoadGoodAsync();
    }

    [Fact]
    public async Task Without_a_home_a_store_folder_must_be_given()
    {
        _machine.Environment.Remove("HOME");
        (await _machine.LoadBadAsync()).ShouldHaveSingleItem().ShouldStartWith("EdgeCache:Storage:Path");

        _machine.Environment["XDG_DATA_HOME"] = "/data";
        (await _machine.LoadGoodAsync()).Settings.Options.Storage.Path.ShouldBe("/data/edgecache");
    }

    [Fact]
    public async Task The_half_of_a_certificate_is_an_error()
    {
        _machine.Write("some.pem", "");
        _machine.Environment["BUILDER_CACHE_SERVER_TLS_CERT"] = "some.pem";
        (await _machine.LoadBadAsync()).ShouldHaveSingleItem().ShouldContain("EdgeCache:Tls:Key");

        _machine.Environment.Remove("BUILDER_CACHE_SERVER_TLS_CERT");
        _machine.Environment["BUILDER_CACHE_SERVER_TLS_KEY"] = "some.pem";
        (await _machine.LoadBadAsync()).ShouldHaveSingleItem().ShouldContain("EdgeCache:Tls:Certificate");
    }

    [Fact]
    public async Task Variables_that_kubernetes_makes_for_a_service_are_explained()
    {
        _machine.Environment["BUILDER_CACHE_SERVER_SERVICE_HOST"] = "10.0.0.1";

        (await _machine.LoadBadAsync()).ShouldHaveSingleItem().ShouldContain("enableServiceLinks");
    }

    [Fact]
    public async Task One_option_set_by_two_spellings_of_a_variable_is_an_error()
    {
        _machine.Environment["EdgeCache__Listen__Port"] = "81";
        _machine.Environment["EDGECACHE__LISTEN__PORT"] = "82";

        var error = (await _machine.LoadBadAsync()).ShouldHaveSingleItem();

        error.ShouldContain("EdgeCache__Listen__Port");
        error.ShouldContain("EDGECACHE__LISTEN__PORT");
    }

    [Fact]
    public async Task A_route_that_can_not_be_read_is_named()
    {
        _machine.WriteConfig("""{"ReverseProxy": {"Routes": {"good": {"Match": {"Path": "/a"}}, "bad": {"Order": "first", "Match": {"Path": "/b"}}}}}""");

        (await _machine.LoadBadAsync()).ShouldHaveSingleItem().ShouldStartWith("ReverseProxy:Routes:bad: ");
    }

    [Fact]
    public async Task A_route_can_not_have_the_name_of_a_built_in_one()
    {
        _machine.WriteConfig("""{"ReverseProxy": {"Routes": {"edgecache-artifacts": {"Match": {"Path": "/a"}}}, "Clusters": {"edgecache": {}}}}""");

        var errors = await _machine.LoadBadAsync();

        errors.Count.ShouldBe(2);
        errors.ShouldContain(e => e.StartsWith("ReverseProxy:Routes:edgecache-artifacts: the name is taken", StringComparison.Ordinal));
        errors.ShouldContain(e => e.StartsWith("ReverseProxy:Clusters:edgecache: the name is taken", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_certificate_that_can_not_be_used_is_reported_with_the_other_errors()
    {
        _machine.Write("cert.pem", "junk");
        _machine.Write("key.pem", "junk");
        _machine.Environment["BUILDER_CACHE_SERVER_TLS_CERT"] = "cert.pem";
        _machine.Environment["BUILDER_CACHE_SERVER_TLS_KEY"] = "key.pem";
        _machine.Environment["BUILDER_CACHE_SERVER_PORT"] = "x";

        var errors = await _machine.LoadBadAsync();

        errors.Count.ShouldBe(2);
        errors.ShouldContain(e => e.StartsWith("EdgeCache:Tls:Certificate = \"cert.pem\" (environment BUILDER_CACHE_SERVER_TLS_CERT): ", StringComparison.Ordinal));
    }
}
