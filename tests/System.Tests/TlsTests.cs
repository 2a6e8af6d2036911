using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using EdgeCache.TestKit;

namespace EdgeCache.System.Tests;

/// <summary>TLS as other people's programs see it, and a certificate that is renewed while the node works.</summary>
public sealed class TlsTests : IAsyncLifetime
{
    private static readonly TimeSpan ReplacementLimit = TimeSpan.FromSeconds(5);

    private readonly TestFolder _folder = new();
    private readonly TestCertificate _first = TestCertificate.Create();
    private NodeProcess _node = null!;

    private string CertificatePath => _folder.File("cert.pem");

    private string KeyPath => _folder.File("key.pem");

    public async ValueTask InitializeAsync()
    {
        await _first.WriteAsync(CertificatePath, KeyPath);
        _node = await LaunchAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("-tls1_2", "TLSv1.2")]
    [InlineData("-tls1_3", "TLSv1.3")]
    public async Task A_modern_version_is_accepted(string flag, string version)
    {
        var run = await HandshakeAsync(flag);
        run.ExitCode.ShouldBe(0, run.Error);
        run.Output.ShouldContain($"New, {version}, Cipher is ");
        run.Output.ShouldContain("Verify return code: 0 (ok)");
    }

    [Theory]
    [InlineData("-tls1")]
    [InlineData("-tls1_1")]
    public async Task An_old_version_is_refused_by_the_node(string flag)
    {
        // The lowest security level, because the client would otherwise not even ask.
        var run = await HandshakeAsync(flag, "-cipher", "DEFAULT:@SECLEVEL=0");
        run.ExitCode.ShouldNotBe(0);
        run.Error.ShouldContain("alert protocol version");
    }

    [Theory]
    [InlineData("h2", "ALPN protocol: h2")]
    [InlineData("http/1.1", "ALPN protocol: http/1.1")]
    [InlineData("h2,http/1.1", "ALPN protocol: h2")]
    [InlineData("http/1.1,h2", "ALPN protocol: h2")]
    public async Task The_protocol_is_negotiated(string offered, string expected) =>
        (await HandshakeAsync("-alpn", offered)).Output.ShouldContain(expected);

    [Theory]
    [InlineData("--http2", "2")]
    [InlineData("--http1.1", "1.1")]
    public async Task An_artifact_goes_up_and_down_over_either_protocol(string flag, string version)
    {
        var content = Blobs.Bytes(3_000_000);
        var url = new Uri(_node.Url, "/artifacts/secure").AbsoluteUri;
        var file = _folder.File("download");
        (await CurlAsync([flag, "-w", "%{http_version} %{http_code}", "-T", "-", url], content)).Succeeded().ShouldBe($"{version} 201");
        (await CurlAsync([flag, "-w", "%{http_version} %{http_code}", "-o", file, url])).Succeeded().ShouldBe($"{version} 200");
        (await File.ReadAllBytesAsync(file)).AsSpan().SequenceEqual(content).ShouldBeTrue();
    }

    [Fact]
    public async Task Cleartext_on_the_port_of_tls_gets_no_answer()
    {
        var run = await CurlAsync(["-o", "/dev/null", "-w", "%{http_code}", $"http://127.0.0.1:{_node.Url.Port}/health"]);
        run.ExitCode.ShouldNotBe(0);
        run.Output.ShouldBe("000");
    }

    [Theory]
    [InlineData("BUILDER_CACHE_SERVER_TLS_CERT", "BUILDER_CACHE_SERVER_TLS_KEY")]
    [InlineData("BUILDER_CACHE_SERVER_TLS_KEY", "BUILDER_CACHE_SERVER_TLS_CERT")]
    public async Task Half_a_pair_never_serves_cleartext(string set, string missing)
    {
        var run = await NodeProcess.RunAsync(new NodeSetup { Environment = Variables.Of((set, CertificatePath)) });
        run.ExitCode.ShouldBe(2, missing);
        run.Output.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_renewed_certificate_is_served_within_seconds_and_no_request_fails()
    {
        var second = TestCertificate.Create();
        using var before = X509Certificate2.CreateFromPem(_first.CertificatePem);
        using var after = X509Certificate2.CreateFromPem(second.CertificatePem);
        await using var load = new TlsLoad(_node, [before, after], workers: 6);
        await load.MoreRequestsAsync(100);

        await second.WriteAsync(CertificatePath, KeyPath);
        await Eventually.TrueAsync(async () => await ServedSerialAsync() == second.Serial, ReplacementLimit, "the new certificate is served");
        await load.MoreRequestsAsync(100);

        (await load.StopAsync()).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_bad_pair_keeps_the_certificate_that_was_served_before(bool mismatch)
    {
        var other = TestCertificate.Create();
        await File.WriteAllTextAsync(CertificatePath, mismatch ? other.CertificatePem : "no certificate");
        await Eventually.TrueAsync(() => _node.Output.Contains("The certificate that was served before is kept", StringComparison.Ordinal), ReplacementLimit, "the node says what is wrong");
        (await ServedSerialAsync()).ShouldBe(_first.Serial);

        await other.WriteAsync(CertificatePath, KeyPath);
        await Eventually.TrueAsync(async () => await ServedSerialAsync() == other.Serial, ReplacementLimit, "a good pair is served again");
    }

    private Task<NodeProcess> LaunchAsync() => NodeProcess.StartAsync(new NodeSetup
    {
        Environment = Variables.Of(("BUILDER_CACHE_SERVER_TLS_CERT", CertificatePath), ("BUILDER_CACHE_SERVER_TLS_KEY", KeyPath)),
        Trust = _first.CertificatePem,
    });

    /// <summary>The serial number in a handshake of its own.</summary>
    private async Task<string> ServedSerialAsync()
    {
        using var client = new global::System.Net.Sockets.TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, _node.Url.Port);
        var serial = "";
        await using var stream = new SslStream(client.GetStream(), leaveInnerStreamOpen: false, (_, certificate, _, _) =>
        {
            serial = ((X509Certificate2)certificate!).SerialNumber;
            return serial.Length > 0;
        });
        await stream.AuthenticateAsClientAsync("localhost");
        return serial;
    }

    private Task<ToolRun> HandshakeAsync(params string[] arguments) => ToolRun.RunAsync(
        Tools.Require("openssl", "openssl"), ["s_client", "-connect", $"127.0.0.1:{_node.Url.Port}", "-CAfile", CertificatePath, "-servername", "localhost", .. arguments]);

    private Task<ToolRun> CurlAsync(string[] arguments, ReadOnlyMemory<byte> input = default) =>
        ToolRun.RunAsync(Tools.Require("curl", "curl"), ["-sS", "--noproxy", "*", "--max-time", "60", "--cacert", CertificatePath, .. arguments], input);
}
