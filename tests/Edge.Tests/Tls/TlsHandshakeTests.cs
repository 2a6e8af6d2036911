using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;

namespace EdgeCache.Edge.Tests.Tls;

public sealed class TlsHandshakeTests
{
    private const byte HandshakeRecord = 22;
    private const byte AlertRecord = 21;
    private const byte ProtocolVersionAlert = 70;

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task Both_current_versions_work_and_the_intermediate_is_sent(SslProtocols version)
    {
        await using var host = await StartedAsync();
        // The client trusts the root alone: without the intermediate on the wire it could not build the chain.
        var (protocol, _, sent) = await host.HandshakeAsync(version);
        protocol.ShouldBe(version);
        sent.ShouldBeGreaterThanOrEqualTo(1);
    }

    [Theory]
    [InlineData(2, false)] // TLS 1.1
    [InlineData(1, false)] // TLS 1.0
    [InlineData(3, true)] // TLS 1.2, to see that the hello itself is one that the server takes.
    public async Task Old_versions_are_refused_by_the_server(byte minor, bool accepted)
    {
        await using var host = await StartedAsync();
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, host.Port);
        var stream = client.GetStream();
        await stream.WriteAsync(ClientHello(minor));
        var answer = new byte[7];
        await stream.ReadExactlyAsync(answer);
        answer[0].ShouldBe(accepted ? HandshakeRecord : AlertRecord);
        if (!accepted)
            answer[6].ShouldBe(ProtocolVersionAlert);
    }

    [Theory]
    [InlineData("2.0")]
    [InlineData("1.1")]
    public async Task Alpn_chooses_the_http_version_that_the_client_offers(string version)
    {
        await using var host = await StartedAsync();
        using var handler = new SocketsHttpHandler { SslOptions = host.ClientOptions() };
        using var client = new HttpClient(handler)
        {
            DefaultRequestVersion = Version.Parse(version),
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        using var response = await client.GetAsync($"https://localhost:{host.Port}/");
        response.Version.ShouldBe(Version.Parse(version));
        (await response.Content.ReadAsStringAsync()).ShouldBe("served");
    }

    [Fact]
    public async Task Cleartext_is_not_served()
    {
        await using var host = await StartedAsync();
        using var client = new HttpClient();
        await Should.ThrowAsync<HttpRequestException>(() => client.GetAsync($"http://localhost:{host.Port}/"));
    }

    private static async Task<TlsHost> StartedAsync()
    {
        var host = new TlsHost();
        host.Write(host.Pki.Issue());
        await host.StartAsync();
        return host;
    }

    /// <summary>A hello by hand, because the TLS library of the machine may itself refuse to speak what is to be refused.</summary>
    private static byte[] ClientHello(byte minor)
    {
        byte[] extensions =
        [
            0, 10, 0, 4, 0, 2, 0, 23, // supported_groups: secp256r1
            0, 11, 0, 2, 1, 0, // ec_point_formats: uncompressed
            0, 13, 0, 4, 0, 2, 4, 3, // signature_algorithms: ecdsa_secp256r1_sha256
        ];
        byte[] body =
        [
            3, minor,
            .. new byte[32], // random
            0, // no session
            0, 4, 0xC0, 0x2B, 0xC0, 0x09, // ECDHE-ECDSA with AES-128-GCM-SHA256 and with AES-128-CBC-SHA
            1, 0, // no compression
            0, (byte)extensions.Length,
            .. extensions,
        ];
        return [HandshakeRecord, 3, 1, 0, (byte)(body.Length + 4), 1, 0, 0, (byte)body.Length, .. body];
    }
}
