using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Tls;
using EdgeCache.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace EdgeCache.Edge.Tests.Tls;

/// <summary>A real HTTPS server over a folder with two PEM files, on a clock that the test moves.</summary>
internal sealed class TlsHost : IAsyncDisposable, ILoggerProvider, ILogger
{
    private readonly TestFolder _folder = new();
    private WebApplication? _app;

    public TlsHost()
    {
        // The client's checks run on the system's clock, so the fake one begins there.
        Time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        Pki = new TestPki(Time.GetUtcNow());
        Certificate = _folder.File("tls.crt");
        Key = _folder.File("tls.key");
    }

    public FakeTimeProvider Time { get; }

    public TestPki Pki { get; }

    public string Folder => _folder.Path;

    public string Certificate { get; set; }

    public string Key { get; set; }

    public ConcurrentQueue<(LogLevel Level, string Message)> Log { get; } = new();

    public IEnumerable<string> Warnings => Log.Where(l => l.Level == LogLevel.Warning).Select(l => l.Message);

    public IServiceProvider Services => _app!.Services;

    public int Port => new Uri(_app!.Urls.First()).Port;

    /// <summary>Writes both files the way careful tools do: aside, then renamed.</summary>
    public void Write((string Certificate, string Key) pair)
    {
        Put(Key, pair.Key);
        Put(Certificate, pair.Certificate);
    }

    public static void Put(string path, string content)
    {
        File.WriteAllText(path + ".new", content);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path + ".new", UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.Move(path + ".new", path, overwrite: true);
    }

    public async Task StartAsync()
    {
        var options = new EdgeCacheOptions { Tls = { Certificate = Certificate, Key = Key } };
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Logging.AddProvider(this);
        builder.Services.AddSingleton(new LiveSettings(new EdgeSettings(options, token: null)));
        builder.Services.AddSingleton<TimeProvider>(Time);
        builder.Services.AddTls();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Listen(IPAddress.Loopback, 0, listen => TlsEndpoint.Configure(listen, kestrel.ApplicationServices)));
        _app = builder.Build();
        _app.Run(context => context.Response.WriteAsync("served"));
        await _app.StartAsync();
    }

    /// <summary>Lets the watcher look once; the fake clock runs it before this returns.</summary>
    public void Poll() => Time.Advance(CertificateWatcher.Interval);

    /// <summary>A handshake whose client trusts the root alone.</summary>
    /// <returns>The version and the SHA-256 of the certificate.</returns>
    public async Task<(SslProtocols Protocol, string Thumbprint, int Sent)> HandshakeAsync(SslProtocols protocols = SslProtocols.None)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, Port);
        await using var tls = new SslStream(client.GetStream());
        var sent = 0;
        var options = ClientOptions();
        options.EnabledSslProtocols = protocols;
        options.RemoteCertificateValidationCallback = (_, _, chain, errors) =>
        {
            sent = chain!.ChainPolicy.ExtraStore.Count;
            return errors == SslPolicyErrors.None;
        };
        await tls.AuthenticateAsClientAsync(options);
        return (tls.SslProtocol, Thumbprint(tls.RemoteCertificate!), sent);
    }

    public SslClientAuthenticationOptions ClientOptions()
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        policy.CustomTrustStore.Add(Pki.Root);
        return new SslClientAuthenticationOptions { TargetHost = "localhost", CertificateChainPolicy = policy };
    }

    public static string Thumbprint(string pem)
    {
        using var certificate = X509Certificate2.CreateFromPem(pem);
        return Thumbprint(certificate);
    }

    private static string Thumbprint(X509Certificate certificate) => certificate.GetCertHashString(HashAlgorithmName.SHA256);

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
            await _app.DisposeAsync();
        _folder.Dispose();
    }

    void IDisposable.Dispose()
    {
        // The container disposes its logger providers; nothing is held for logging.
    }

    ILogger ILoggerProvider.CreateLogger(string categoryName) =>
        categoryName == typeof(CertificateWatcher).FullName ? this : Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;

    bool ILogger.IsEnabled(LogLevel logLevel) => true;

    void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Log.Enqueue((logLevel, formatter(state, exception)));
}
