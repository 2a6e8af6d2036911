namespace EdgeCache.Edge;

/// <summary>
/// Kestrel and the host each log a failed start with its whole stack before they throw it to us, who say it in one line. Until the start has
/// succeeded they are not heard; afterwards they are, from warnings on. A level that a user sets for one of them by name wins.
/// </summary>
internal sealed class StartupLogFilter
{
    private static readonly string[] Categories = ["Microsoft.AspNetCore.Server.Kestrel", "Microsoft.Extensions.Hosting.Internal.Host"];

    private volatile bool _started;

    public void AddTo(ILoggingBuilder logging)
    {
        foreach (var category in Categories)
            logging.AddFilter(category, level => _started && level >= LogLevel.Warning);
    }

    public void Started() => _started = true;
}
