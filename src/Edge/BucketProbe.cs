using EdgeCache.Storage.S3;

namespace EdgeCache.Edge;

/// <summary>
/// Finds out at the start what the bucket's server can do. Whatever comes of it the node starts: what is here can be served, and a bucket that is away now may be there later. What nobody
/// knows of a server is not relied on, which costs a request before each write.
/// </summary>
internal static partial class BucketProbe
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    public static async Task<S3Capabilities> RunAsync(S3StoreOptions options, ILoggerFactory loggers, TimeProvider time, CancellationToken cancellationToken)
    {
        var logger = loggers.CreateLogger("EdgeCache.Edge.BucketProbe");
        using var limit = new CancellationTokenSource(Limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            // Fewer words than the command: what works is not news at every start.
            var report = await S3Probe.RunAsync(options, time, either.Token);
            foreach (var step in report.Steps)
            {
                if (step.Result == S3ProbeResult.Failed)
                    LogFailed(logger, options.Bucket, step.Name, step.Detail);
                else if (step.Result == S3ProbeResult.Lacking)
                    LogLacking(logger, options.Bucket, step.Name, step.Detail);
            }
            return report.IsUsable ? report.Capabilities : S3Capabilities.Unknown;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            LogFailed(logger, options.Bucket, "probe", $"not finished within {Limit.TotalSeconds:0} s");
            return S3Capabilities.Unknown;
        }
    }

    [LoggerMessage(LogLevel.Error, "The bucket {Bucket} can't be used as it is: {Step}: {Detail}")]
    private static partial void LogFailed(ILogger logger, string bucket, string step, string detail);

    [LoggerMessage(LogLevel.Information, "The server of the bucket {Bucket} lacks {Step}: {Detail}")]
    private static partial void LogLacking(ILogger logger, string bucket, string step, string detail);
}
