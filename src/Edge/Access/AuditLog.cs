using EdgeCache.Edge.Limits;

namespace EdgeCache.Edge.Access;

/// <summary>
/// Says who did, or was not let do, what: every call of an admin, and every request that was denied. In a log category of its own. Secrets are in the header and in the query
/// of a request, so neither is ever written. Under attack denials are told at a bounded rate; how many were left out is told too.
/// </summary>
internal sealed partial class AuditLog(ILoggerFactory loggers, ClientAddresses addresses, LimitClock clock)
{
    public const string Category = "EdgeCache.Audit";

    /// <summary>Denials that are logged a second in the long run, and at once.</summary>
    private const int DenialsPerSecond = 20;
    private const int DenialsAtOnce = 200;

    private const int MaxPathLength = 600;

    private static readonly Quota Pace = Quota.Of("audit", new Rate(DenialsPerSecond, DenialsAtOnce, 0));

    private readonly ILogger _logger = loggers.CreateLogger(Category);
    private long _pace;
    private long _leftOut;

    /// <summary>A request was not let through.</summary>
    /// <param name="context">The request.</param>
    /// <param name="principal">Who it was; null when that is not known.</param>
    /// <param name="status">The status of the answer.</param>
    /// <param name="reason">Why, in a few words.</param>
    public void Denied(HttpContext context, Principal? principal, int status, string reason)
    {
        if (!_logger.IsEnabled(LogLevel.Warning))
            return;
        if (!Gcra.TryTake(ref _pace, clock.Now, Pace.Interval, Pace.Tolerance, out _))
        {
            Interlocked.Increment(ref _leftOut);
            return;
        }
        LogDenied(_logger, NameOf(principal), principal?.IdentifiedBy ?? "nothing", addresses.Of(context), context.Request.Method, PathOf(context), status, reason);
        if (Interlocked.Exchange(ref _leftOut, 0) is > 0 and var count)
            LogLeftOut(_logger, count);
    }

    /// <summary>An admin did something, or tried to: whatever the answer was.</summary>
    public void Called(HttpContext context, Principal principal)
    {
        if (!_logger.IsEnabled(LogLevel.Information))
            return;
        var name = NameOf(principal);
        var address = addresses.Of(context);
        var path = PathOf(context);
        LogCalled(_logger, name, principal.IdentifiedBy, address, context.Request.Method, path, context.Response.StatusCode);
    }

    private static string NameOf(Principal? principal) => principal is { IsAnonymous: false } ? principal.Name : "-";

    /// <summary>A path may have been made up: nothing of it may pass for another line.</summary>
    private static string PathOf(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        if (path.Length > MaxPathLength)
            path = path[..MaxPathLength];
        return path.Any(char.IsControl) ? string.Concat(path.Select(c => char.IsControl(c) ? ' ' : c)) : path;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Denied: {Principal} (by {IdentifiedBy}) from {Address}: {Method} {Path} -> {Status}, {Reason}")]
    private static partial void LogDenied(ILogger logger, string principal, string identifiedBy, ClientAddress address, string method, string path, int status, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Count} more denials were not written")]
    private static partial void LogLeftOut(ILogger logger, long count);

    [LoggerMessage(Level = LogLevel.Information, Message = "Admin: {Principal} (by {IdentifiedBy}) from {Address}: {Method} {Path} -> {Status}")]
    private static partial void LogCalled(ILogger logger, string principal, string identifiedBy, ClientAddress address, string method, string path, int status);
}
