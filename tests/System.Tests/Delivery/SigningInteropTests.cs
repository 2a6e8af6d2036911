using System.Globalization;
using System.Net;
using EdgeCache.TestKit;

namespace EdgeCache.System.Tests.Delivery;

/// <summary>Addresses that others have signed, and others who look at those that this program has signed.</summary>
public sealed class SigningInteropTests : IAsyncLifetime
{
    private const string Public = "https://cdn.example.com/builds";

    private readonly TestFolder _folder = new();
    private NodeProcess _node = null!;
    private string _openssl = "";

    public async ValueTask InitializeAsync()
    {
        _openssl = Tools.Require("openssl", "openssl");
        await OpensslAsync("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", File("rsa.pem"));
        await OpensslAsync("pkey", "-in", File("rsa.pem"), "-pubout", "-out", File("rsa.pub"));
        await OpensslAsync("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", File("ec.pem"));
        await OpensslAsync("pkey", "-in", File("ec.pem"), "-pubout", "-out", File("ec.pub"));
        _node = await NodeProcess.StartAsync(new NodeSetup { Config = Config });
        await PutAsync("/artifacts/app.tar", "signed content");
    }

    public async ValueTask DisposeAsync()
    {
        if (_node is not null)
            await _node.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("rsa", "KRSA", "sha1")]
    [InlineData("rsa", "KRSA", "sha256")]
    [InlineData("ec", "KEC", "sha1")]
    [InlineData("ec", "KEC", "sha256")]
    public async Task An_address_that_openssl_has_signed_for_cloudfront_is_good_and_every_change_of_one_character_is_refused(string key, string id, string hash)
    {
        var expires = TimeProvider.System.GetUtcNow().AddMinutes(30).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var policy = $$$$"""{"Statement":[{"Resource":"{{{{Public}}}}/artifacts/app.tar?v=1","Condition":{"DateLessThan":{"AWS:EpochTime":{{{{expires}}}}}}}]}""";
        await global::System.IO.File.WriteAllTextAsync(File("policy"), policy);
        await OpensslAsync("dgst", $"-{hash}", "-sign", File($"{key}.pem"), "-out", File("signature"), File("policy"));
        var signature = Convert.ToBase64String(await global::System.IO.File.ReadAllBytesAsync(File("signature"))).Replace('+', '-').Replace('=', '_').Replace('/', '~');
        var url = $"/artifacts/app.tar?v=1&Expires={expires}&Signature={signature}&Key-Pair-Id={id}" + (hash == "sha256" ? "&Hash-Algorithm=SHA256" : "");
        (await _node.Client.GetStringAsync(url)).ShouldBe("signed content");
        foreach (var at in Enumerable.Range(1, url.Length - 1))
        {
            var changed = url.Remove(at, 1).Insert(at, url[at] == 'A' ? "B" : "A");
            using var answer = await _node.Client.GetAsync(changed);
            answer.StatusCode.ShouldBeOneOf([HttpStatusCode.Forbidden, HttpStatusCode.Unauthorized, HttpStatusCode.NotFound, HttpStatusCode.BadRequest]);
        }
    }

    [Fact]
    public async Task Addresses_and_cookies_of_the_official_signer_are_good()
    {
        var node = Tools.Require("node", "nodejs");
        var npm = Tools.Require("npm", "npm");
        var install = await ToolRun.RunAsync(npm, ["install", "--no-audit", "--no-fund", "--prefix", _folder.Path, "@aws-sdk/cloudfront-signer@3"], limit: TimeSpan.FromMinutes(3));
        if (install.ExitCode != 0)
            Tools.Missing($"@aws-sdk/cloudfront-signer could not be installed: {install.Error}");
        var soon = TimeProvider.System.GetUtcNow().AddMinutes(30).ToString("O", CultureInfo.InvariantCulture);
        await global::System.IO.File.WriteAllTextAsync(
            File("sign.cjs"),
            $$"""
            const fs = require('fs');
            const { getSignedUrl, getSignedCookies } = require('@aws-sdk/cloudfront-signer');
            const rsa = { keyPairId: 'KRSA', privateKey: fs.readFileSync('{{File("rsa.pem")}}', 'utf8'), dateLessThan: '{{soon}}' };
            const ec = { ...rsa, keyPairId: 'KEC', privateKey: fs.readFileSync('{{File("ec.pem")}}', 'utf8') };
            const url = '{{Public}}/artifacts/app.tar';
            for (const key of [rsa, ec])
              for (const more of [{}, { algorithm: 'SHA256' }, { dateGreaterThan: '2020-01-01' }, { ipAddress: '127.0.0.0/8' }])
                console.log(getSignedUrl({ ...key, ...more, url: url + '?q=a b&r=%2F' }));
            const policy = JSON.stringify({ Statement: [{ Resource: '{{Public}}/artifacts/*', Condition: { DateLessThan: { 'AWS:EpochTime': Math.floor(new Date('{{soon}}') / 1000) } } }] });
            console.log(getSignedUrl({ keyPairId: 'KRSA', privateKey: rsa.privateKey, url, policy }));
            console.log('cookie ' + Object.entries(getSignedCookies({ keyPairId: 'KRSA', privateKey: rsa.privateKey, url, policy })).map(([n, v]) => n + '=' + v).join('; '));
            """);
        var lines = (await ToolRun.RunAsync(node, [File("sign.cjs")], folder: _folder.Path)).Succeeded().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Length.ShouldBe(10);
        foreach (var line in lines.Where(l => l.StartsWith(Public, StringComparison.Ordinal)))
            (await _node.Client.GetStringAsync(line[Public.Length..])).ShouldBe("signed content", line);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/artifacts/app.tar") { Headers = { { "Cookie", lines[^1]["cookie ".Length..] } } };
        using var answer = await _node.Client.SendAsync(request);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        answer.Headers.CacheControl!.Private.ShouldBeTrue();
    }

    [Theory]
    [InlineData("front", "rsa.pub", "sha1")]
    [InlineData("front256", "ec.pub", "sha256")]
    public async Task An_address_of_the_sign_command_is_good_for_a_verifier_made_of_openssl(string policy, string key, string hash)
    {
        var url = (await SignAsync("/artifacts/app.tar?v=1", "--policy", policy, "--valid-for", "10m")).TrimEnd();
        var query = url.Split('?', 2)[1].Split('&').Select(p => p.Split('=', 2)).ToDictionary(p => p[0], p => p[1], StringComparer.Ordinal);
        query.ContainsKey("Hash-Algorithm").ShouldBe(hash == "sha256");
        var signed = $$$$"""{"Statement":[{"Resource":"{{{{Public}}}}/artifacts/app.tar?v=1","Condition":{"DateLessThan":{"AWS:EpochTime":{{{{query["Expires"]}}}}}}}]}""";
        await global::System.IO.File.WriteAllTextAsync(File("policy"), signed);
        await global::System.IO.File.WriteAllBytesAsync(File("signature"), Convert.FromBase64String(query["Signature"].Replace('-', '+').Replace('_', '=').Replace('~', '/')));
        (await OpensslAsync("dgst", $"-{hash}", "-verify", File(key), "-signature", File("signature"), File("policy"))).ShouldStartWith("Verified OK");
        (await _node.Client.GetStringAsync(url[Public.Length..])).ShouldBe("signed content");

        // A custom policy, as the verifier reads it out of the address.
        var wide = (await SignAsync("/artifacts/app.tar", "--policy", policy, "--under", "/artifacts/", "--client", "127.0.0.0/8")).TrimEnd();
        var text = wide.Split("Policy=")[1].Split('&')[0].Replace('-', '+').Replace('_', '=').Replace('~', '/');
        await global::System.IO.File.WriteAllBytesAsync(File("policy"), Convert.FromBase64String(text));
        await global::System.IO.File.WriteAllBytesAsync(File("signature"), Convert.FromBase64String(wide.Split("Signature=")[1].Split('&')[0].Replace('-', '+').Replace('_', '=').Replace('~', '/')));
        (await OpensslAsync("dgst", $"-{hash}", "-verify", File(key), "-signature", File("signature"), File("policy"))).ShouldStartWith("Verified OK");
        (await _node.Client.GetStringAsync(wide[Public.Length..])).ShouldBe("signed content");
    }

    [Fact]
    public async Task An_address_whose_mac_openssl_has_made_is_good_for_cloudflares_kind_and_for_ours()
    {
        var issued = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var mac = await MacAsync($"/cache/flare/app.tar{issued}");
        await PutAsync("/cache/flare/app.tar", "flare content");
        (await _node.Client.GetStringAsync($"/cache/flare/app.tar?verify={issued}-{Uri.EscapeDataString(mac)}")).ShouldBe("flare content");

        var expires = TimeProvider.System.GetUtcNow().AddMinutes(5).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        await PutAsync("/cache/own/app.tar", "own content");
        var ours = (await MacAsync($"EdgeCache-Signature-1\nk\nGET\n{expires}\n\n\n\n/cache/own/app.tar\n?v=1")).TrimEnd('=').Replace('+', '-').Replace('/', '_');
        (await _node.Client.GetStringAsync($"/cache/own/app.tar?v=1&ec-key=k&ec-methods=GET&ec-expires={expires}&ec-signature={ours}")).ShouldBe("own content");
    }

    /// <summary>
    /// What Cloudflare's documentation gives for making tokens: the lines of Python beside its rule, and the Worker that it says is compatible with the rule. Run by those runtimes, not by
    /// ours.
    /// </summary>
    [Theory]
    [InlineData("python3", "-c", "import sys, hmac, base64, hashlib, urllib.parse; m, t, k = sys.argv[1:]; d = hmac.new(k.encode(), (m + t).encode(), hashlib.sha256).digest(); print(m + '?' + urllib.parse.urlencode({'verify': t + '-' + base64.b64encode(d).decode()}))")]
    [InlineData("node", "-e", "const [m, t, k] = process.argv.slice(1), e = new TextEncoder(), u = new URL('https://x' + m); crypto.subtle.importKey('raw', e.encode(k), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']).then(key => crypto.subtle.sign('HMAC', key, e.encode(u.pathname + t))).then(d => { u.searchParams.set('verify', t + '-' + Buffer.from(d).toString('base64')); console.log(u.pathname + u.search); })")]
    public async Task A_token_made_as_cloudflare_documents_it_is_good_and_every_change_of_one_character_is_refused(string runtime, string flag, string program)
    {
        var issued = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        await PutAsync("/cache/flare/app.tar", "flare content");
        var url = (await ToolRun.RunAsync(Tools.Require(runtime, runtime == "node" ? "nodejs" : runtime), [flag, program, "/cache/flare/app.tar", issued, Secret])).Succeeded().Trim();
        (await _node.Client.GetStringAsync(url)).ShouldBe("flare content");
        foreach (var at in Enumerable.Range("/cache/flare/".Length, url.Length - "/cache/flare/".Length))
        {
            using var answer = await _node.Client.GetAsync(url.Remove(at, 1).Insert(at, url[at] == 'A' ? "B" : "A"));
            // Without the question mark, what follows is a part of the key, and some of it can't be one.
            answer.StatusCode.ShouldBeOneOf([HttpStatusCode.Forbidden, HttpStatusCode.Unauthorized, HttpStatusCode.BadRequest]);
        }
    }

    [Fact]
    public async Task A_token_of_the_sign_command_is_good_for_the_worker_that_cloudflare_documents()
    {
        var node = Tools.Require("node", "nodejs");
        var url = (await SignAsync("/cache/flare/app.tar", "--policy", "flare")).TrimEnd();
        const string Verify = "const [a, k] = process.argv.slice(1), e = new TextEncoder(), u = new URL('https://x' + a), [t, mac] = u.searchParams.get('verify').split('-'); crypto.subtle.importKey('raw', e.encode(k), { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']).then(key => crypto.subtle.verify('HMAC', key, Buffer.from(mac, 'base64'), e.encode(u.pathname + t))).then(good => console.log(good))";
        (await ToolRun.RunAsync(node, ["-e", Verify, url, Secret])).Succeeded().Trim().ShouldBe("true");
        (await ToolRun.RunAsync(node, ["-e", Verify, url.Replace("app.tar", "app.tas", StringComparison.Ordinal), Secret])).Succeeded().Trim().ShouldBe("false");
    }

    [Fact]
    public async Task Addresses_of_the_aws_command_line_are_good()
    {
        var aws = Tools.Require("aws", "awscli");

        // The only form that it reads.
        await OpensslAsync("rsa", "-in", File("rsa.pem"), "-traditional", "-out", File("traditional.pem"));
        var until = TimeProvider.System.GetUtcNow().AddMinutes(30).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        foreach (var more in (string[][])[[], ["--date-greater-than", "2020-01-01"], ["--ip-address", "127.0.0.0/8"]])
        {
            var url = (await ToolRun.RunAsync(aws, ["cloudfront", "sign", "--url", $"{Public}/artifacts/app.tar", "--key-pair-id", "KRSA", "--private-key", $"file://{File("traditional.pem")}", "--date-less-than", until, .. more])).Succeeded().Trim();
            (await _node.Client.GetStringAsync(url[Public.Length..])).ShouldBe("signed content", url);
        }
    }

    private static string Secret => "0123456789abcdef0123456789abcdef";

    private string Config =>
        $$$$"""
        {"EdgeCache": {
          "Access": {"Token": "token-of-the-test"},
          "SignedUrls": {
            "front": {"Kind": "cloudfront", "PublicUrl": "{{{{Public}}}}", "SignWith": "KRSA", "Keys": {
              "KRSA": {"PublicKeyFile": "{{{{File("rsa.pub")}}}}", "PrivateKeyFile": "{{{{File("rsa.pem")}}}}"}, "KEC": {"PublicKeyFile": "{{{{File("ec.pub")}}}}"} } },
            "front256": {"Kind": "cloudfront", "PublicUrl": "{{{{Public}}}}", "Hash": "sha256", "Keys": {"KEC": {"PrivateKeyFile": "{{{{File("ec.pem")}}}}"} } },
            "flare": {"Kind": "cloudflare", "Keys": {"k": {"Secret": "{{{{Secret}}}}"} } },
            "own": {"Keys": {"k": {"Secret": "{{{{Secret}}}}"} } } },
          "Namespaces": {"artifacts": {"SignedUrl": "front"}, "flare": {"SignedUrl": "flare"}, "own": {"SignedUrl": "own"} } }}
        """;

    private async Task PutAsync(string path, string content)
    {
        using var put = new HttpRequestMessage(HttpMethod.Put, path) { Content = new StringContent(content), Headers = { Authorization = new("Bearer", "token-of-the-test") } };
        (await _node.Client.SendAsync(put)).EnsureSuccessStatusCode();
    }

    private string File(string name) => _folder.File(name);

    private async Task<string> MacAsync(string text)
    {
        await global::System.IO.File.WriteAllTextAsync(File("message"), text);
        await OpensslAsync("dgst", "-sha256", "-mac", "HMAC", "-macopt", $"key:{Secret}", "-binary", "-out", File("mac"), File("message"));
        return Convert.ToBase64String(await global::System.IO.File.ReadAllBytesAsync(File("mac")));
    }

    private async Task<string> SignAsync(params string[] arguments) =>
        (await ToolRun.RunAsync(NodeProcess.Executable, ["sign", .. arguments, "--config", _node.ConfigFile, "--storage", _folder.File("store")])).Succeeded();

    private async Task<string> OpensslAsync(params string[] arguments) => (await ToolRun.RunAsync(_openssl, arguments)).Succeeded();
}
