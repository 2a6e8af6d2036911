using System.Diagnostics.Metrics;
using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Observability;

namespace EdgeCache.Edge.Tls;

/// <summary>
/// Loads the certificate at the start, and each second looks whether the files have others. It reads them whole every time: they are a few
/// kilobytes, and neither time stamps nor file events tell reliably of a replaced link, a restored time stamp or a network mount.
/// </summary>
internal sealed partial class CertificateWatcher(
    CertificateHolder holder,
    LiveSettings settings,
    TimeProvider time,
    IMeterFactory meterFactory,
    ILogger<CertificateWatcher> logger) : IHostedService, IDisposable
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Lock _polling = new();
    private ITimer? _timer;
    private string? _reported;

    /// <summary>Loads the first certificate. A bad one stops the start: a node that was told to encrypt must not run without.</summary>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (Files() is not var (certificatePath, keyPath))
            return Task.CompletedTask;

        if (!CertificateLoader.TryLoad(certificatePath, keyPath, time, out var certificate, out var error))
            throw new InvalidOperationException(error);

        Publish(certificate, keyPath);
        _ = meterFactory.Create(EdgeMetrics.MeterName).CreateObservableGauge(
            "edgecache_tls_certificate_expiry_timestamp_seconds",
            () => holder.Current?.NotAfter.ToUnixTimeSeconds() ?? 0,
            "s",
            "When the certificate that is served expires, in seconds since 1970.");
        _timer = time.CreateTimer(static watcher => ((CertificateWatcher)watcher!).Poll(), this, Interval, Interval);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        _timer?.Dispose();
        return Task.CompletedTask;
    }

    public void Dispose() => _timer?.Dispose();

    private void Poll()
    {
        // A slow file system must not pile up polls.
        if (!_polling.TryEnter())
            return;
        try
        {
            Reload();
        }
        catch (Exception failure)
        {
            // The timer's thread is nobody's: what escapes here would end the process.
            LogPollFailed(failure);
        }
        finally
        {
            _polling.Exit();
        }
    }

    private void Reload()
    {
        if (Files() is not var (certificatePath, keyPath))
            return;

        var pair = PemPair.TryRead(certificatePath, keyPath, out var error);
        if (pair is not null && pair.Fingerprint == holder.Current?.Fingerprint)
        {
            _reported = null;
            return;
        }

        // Also when the same bad pair was seen before: a certificate that is not valid yet becomes valid by waiting.
        if (pair is not null && CertificateLoader.TryParse(pair, certificatePath, keyPath, time, out var certificate, out error))
        {
            Publish(certificate, keyPath);
            return;
        }

        var state = pair?.Fingerprint + error;
        if (state == _reported)
            return;
        _reported = state;
        LogKept(error);
    }

    private void Publish(ServerCertificate certificate, string keyPath)
    {
        holder.Publish(certificate);
        _reported = null;
        LogServing(certificate.Subject, certificate.NotAfter, certificate.Thumbprint);
        if (certificate.KeyIsWorldReadable)
            LogWorldReadable(keyPath);
    }

    private (string Certificate, string Key)? Files()
    {
        var tls = settings.Current.Options.Tls;
        if (string.IsNullOrEmpty(tls.Certificate))
            return null;

        // Without its key this is no pair; the loader's message says which file is missing.
        return (tls.Certificate, tls.Key ?? "");
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Serving TLS with the certificate {Subject}, valid until {NotAfter:u}, SHA-256 {Thumbprint}.")]
    private partial void LogServing(string subject, DateTimeOffset notAfter, string thumbprint);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The certificate that was served before is kept. {Reason}")]
    private partial void LogKept(string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The TLS key file {Path} is readable by every user of this machine. Make it readable by the node's user alone (chmod 600).")]
    private partial void LogWorldReadable(string path);

    [LoggerMessage(Level = LogLevel.Error, Message = "Looking for a new TLS certificate failed. The one that was served before is kept.")]
    private partial void LogPollFailed(Exception failure);
}
