using EdgeCache.Edge.Access;
using EdgeCache.Edge.Tls;

namespace EdgeCache.Edge.Configuration;

/// <summary>
/// What must be good at a start only. A running node keeps the certificate that it has when the files are bad for a while, and a reload of
/// something else, such as a new token, must not fail over them.
/// </summary>
internal static class StartRules
{
    public static void Check(EdgeCacheOptions options, ConfigurationSources sources, ConfigurationErrors errors)
    {
        CheckTls(options.Tls, sources.Time, errors);
        if (options.Storage.Path is not null && TokenListFile.TryRead(options, out var damage) is null)
            errors.Add($"EdgeCache:Access:TokenList: {damage}");
        if (options.Storage.S3.Bucket is null)
            return;
        var faults = new List<string>();
        _ = S3Settings.Build(options.Storage.S3, new FileSnapshots(), faults);
        foreach (var fault in faults)
            errors.Add(fault);
    }

    private static void CheckTls(TlsOptions tls, TimeProvider time, ConfigurationErrors errors)
    {
        if (!CheckFile("EdgeCache:Tls:Certificate", tls.Certificate, errors) | !CheckFile("EdgeCache:Tls:Key", tls.Key, errors))
            return;
        if (!CertificateLoader.TryLoad(tls.Certificate!, tls.Key!, time, out _, out var fault))
            errors.AddValue("EdgeCache:Tls:Certificate", fault);
    }

    /// <summary>Whether there is a file to look into. An option that is not set is none, and no fault of its own.</summary>
    private static bool CheckFile(string key, string? path, ConfigurationErrors errors)
    {
        if (path is null || File.Exists(path))
            return path is not null;
        errors.AddValue(key, Directory.Exists(path) ? "is a folder; it must be a PEM file." : $"there is no file {path}.");
        return false;
    }
}
