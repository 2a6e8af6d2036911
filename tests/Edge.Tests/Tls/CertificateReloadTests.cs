using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using EdgeCache.Edge.Observability;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace EdgeCache.Edge.Tests.Tls;

public sealed class CertificateReloadTests
{
    [Fact]
    public async Task A_replaced_pair_is_served_without_one_failed_request()
    {
        await using var host = new TlsHost();
        var (first, second) = (host.Pki.Issue(), host.Pki.Issue());
        host.Write(first);
        await host.StartAsync();

        using var enough = new CancellationTokenSource();
        var seen = new ConcurrentQueue<string>();
        var progress = new SemaphoreSlim(0);
        var clients = Enumerable.Range(0, 3).Select(_ => Task.Run(() => RequestUntilAsync(host, seen, progress, enough.Token))).ToArray();
        await WaitForRequestsAsync(progress, 10);
        host.Write(second);
        host.Poll();
        var before = seen.Count;
        await WaitForRequestsAsync(progress, before + 10);
        await enough.CancelAsync();
        await Task.WhenAll(clients);

        seen.First().ShouldBe(TlsHost.Thumbprint(first.Certificate));
        (await host.HandshakeAsync()).Thumbprint.ShouldBe(TlsHost.Thumbprint(second.Certificate));
        seen.Distinct(StringComparer.Ordinal).ShouldBe([TlsHost.Thumbprint(first.Certificate), TlsHost.Thumbprint(second.Certificate)]);
        host.Log.Count(l => l.Level == LogLevel.Information && l.Message.Contains("CN=localhost")).ShouldBe(2);
        host.Log.ShouldContain(l => l.Message.Contains(TlsHost.Thumbprint(second.Certificate)));
    }

    [Fact]
    public async Task A_swapped_folder_link_is_noticed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege there.");
        await using var host = new TlsHost();
        var (first, second) = (host.Pki.Issue(), host.Pki.Issue());
        // As Kubernetes mounts a secret: the files are links into a link that is swapped; their own time stamps never change.
        Version("v1", first);
        Version("v2", second);
        Link("..data", "v1");
        Link("tls.crt", "..data/tls.crt");
        Link("tls.key", "..data/tls.key");
        await host.StartAsync();
        host.Poll();
        (await host.HandshakeAsync()).Thumbprint.ShouldBe(TlsHost.Thumbprint(first.Certificate));

        File.Delete(Path.Combine(host.Folder, "..data"));
        Link("..data", "v2");
        host.Poll();
        (await host.HandshakeAsync()).Thumbprint.ShouldBe(TlsHost.Thumbprint(second.Certificate));
        host.Warnings.ShouldBeEmpty();

        void Version(string name, (string Certificate, string Key) pair)
        {
            var folder = Directory.CreateDirectory(Path.Combine(host.Folder, name)).FullName;
            TlsHost.Put(Path.Combine(folder, "tls.crt"), pair.Certificate);
            TlsHost.Put(Path.Combine(folder, "tls.key"), pair.Key);
        }

        void Link(string name, string target) => File.CreateSymbolicLink(Path.Combine(host.Folder, name), target);
    }

    [Theory]
    [InlineData("certificate of another key", "does not belong")]
    [InlineData("garbage", "contains no certificate")]
    [InlineData("expired", "expired at")]
    [InlineData("not yet valid", "is not valid before")]
    [InlineData("missing", "there is no such file")]
    [InlineData("empty", "is empty")]
    public async Task A_bad_pair_keeps_the_old_one_and_warns_once(string fault, string reason)
    {
        await using var host = new TlsHost();
        var first = host.Pki.Issue();
        host.Write(first);
        await host.StartAsync();

        Break(host, fault, first.Key);
        for (var poll = 0; poll < 3; poll++)
            host.Poll();
        (await host.HandshakeAsync()).Thumbprint.ShouldBe(TlsHost.Thumbprint(first.Certificate));
        host.Warnings.ShouldHaveSingleItem().ShouldContain(reason);
        host.Warnings.Single().ShouldContain(host.Certificate);

        var good = host.Pki.Issue();
        host.Write(good);
        host.Poll();
        (await host.HandshakeAsync()).Thumbprint.ShouldBe(TlsHost.Thumbprint(good.Certificate));

        // The same fault again is a new state, so it is told again.
        Break(host, fault, good.Key);
        host.Poll();
        host.Warnings.Count().ShouldBe(2);
    }

    [Fact]
    public async Task A_certificate_that_becomes_valid_is_taken_without_another_change()
    {
        await using var host = new TlsHost();
        host.Write(host.Pki.Issue());
        await host.StartAsync();
        var future = host.Pki.Issue(from: TimeSpan.FromSeconds(30));
        host.Write(future);
        host.Poll();
        host.Warnings.Count().ShouldBe(1);
        host.Time.Advance(TimeSpan.FromSeconds(40));
        host.Log.Last().Message.ShouldContain(TlsHost.Thumbprint(future.Certificate));
    }

    [Fact]
    public async Task A_key_that_everybody_may_read_is_warned_of()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "No such file mode there.");
        await using var host = new TlsHost();
        host.Write(host.Pki.Issue());
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(host.Key, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        await host.StartAsync();
        host.Warnings.ShouldHaveSingleItem().ShouldContain(host.Key);
    }

    [Fact]
    public async Task The_expiry_is_a_metric()
    {
        await using var host = new TlsHost();
        host.Write(host.Pki.Issue(until: TimeSpan.FromDays(10)));
        await host.StartAsync();
        Expiry(host).ShouldBe(host.Time.GetUtcNow().AddDays(10).ToUnixTimeSeconds());
        host.Write(host.Pki.Issue(until: TimeSpan.FromDays(20)));
        host.Poll();
        Expiry(host).ShouldBe(host.Time.GetUtcNow().AddDays(20).ToUnixTimeSeconds(), tolerance: 2);
    }

    private static void Break(TlsHost host, string fault, string key)
    {
        switch (fault)
        {
            case "certificate of another key":
                TlsHost.Put(host.Certificate, host.Pki.Issue().Certificate);
                break;
            case "garbage":
                TlsHost.Put(host.Certificate, "-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n");
                break;
            case "expired":
                host.Write(host.Pki.Issue(from: TimeSpan.FromDays(-9), until: TimeSpan.FromDays(-1)));
                break;
            case "not yet valid":
                host.Write(host.Pki.Issue(from: TimeSpan.FromDays(1)));
                break;
            case "missing":
                File.Delete(host.Certificate);
                break;
            default:
                TlsHost.Put(host.Certificate, "");
                TlsHost.Put(host.Key, key);
                break;
        }
    }

    private static async Task RequestUntilAsync(TlsHost host, ConcurrentQueue<string> seen, SemaphoreSlim progress, CancellationToken enough)
    {
        while (!enough.IsCancellationRequested)
        {
            seen.Enqueue((await host.HandshakeAsync()).Thumbprint);
            using var handler = new SocketsHttpHandler { SslOptions = host.ClientOptions() };
            using var client = new HttpClient(handler);
            (await client.GetStringAsync(new Uri($"https://localhost:{host.Port}/"), CancellationToken.None)).ShouldBe("served");
            progress.Release();
        }
    }

    private static async Task WaitForRequestsAsync(SemaphoreSlim progress, int count)
    {
        for (var i = 0; i < count; i++)
            (await progress.WaitAsync(TimeSpan.FromSeconds(30))).ShouldBeTrue("the clients are stuck");
    }

    private static double Expiry(TlsHost host)
    {
        double value = 0;
        var factory = host.Services.GetRequiredService<IMeterFactory>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Meter.Scope == factory && instrument.Meter.Name == EdgeMetrics.MeterName && instrument.Name == "edgecache_tls_certificate_expiry_timestamp_seconds")
                l.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, measurement, _, _) => value = measurement);
        listener.Start();
        listener.RecordObservableInstruments();
        return value;
    }
}
