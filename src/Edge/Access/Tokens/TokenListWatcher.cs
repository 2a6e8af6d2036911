using EdgeCache.Edge.Configuration;

namespace EdgeCache.Edge.Access;

/// <summary>
/// Looks every second whether the list of tokens has changed. A list that is damaged, or that has gone, changes nothing: a node must neither lock everybody
/// out nor let everybody in because of a bad file.
/// </summary>
internal sealed partial class TokenListWatcher(TokenListHolder holder, LiveSettings settings, TimeProvider time, ILogger<TokenListWatcher> logger) : BackgroundService
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private FileSnapshots? _seen;

    /// <summary>Reads the list again if its file has another content.</summary>
    /// <returns>Whether another list is in force.</returns>
    public bool Check()
    {
        if (_seen?.HaveChanged() == false)
            return false;
        var options = settings.Current.Options;
        var path = TokenListFile.PathOf(options);
        var first = _seen is null;
        _seen = new FileSnapshots();
        _ = _seen.Read(path);
        if (TokenListFile.TryRead(options, out var fault) is not { } list)
            return Keep(fault!);
        if (holder.Current.IsThere && !File.Exists(path))
            return !first && Keep($"{path} has gone.");
        if (TokenListFile.IsWritableByOthers(path))
            LogWritable(path);
        if (!list.IsThere)
            return false;
        holder.Publish(list);
        LogLoaded(path, list.Tokens.Count);
        return true;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            do
                CheckSafely();
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
    }

    private void CheckSafely()
    {
        try
        {
            Check();
        }
#pragma warning disable CA1031 // Nothing that goes wrong here may take the node down; it is logged with its stack.
        catch (Exception e)
#pragma warning restore CA1031
        {
            LogFault(e);
        }
    }

    private bool Keep(string reason)
    {
        LogKept(reason);
        return false;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The list of tokens {Path} is in force: {Count} tokens.")]
    private partial void LogLoaded(string path, int count);

    [LoggerMessage(Level = LogLevel.Error, Message = "The list of tokens that was read before stays in force. {Reason}")]
    private partial void LogKept(string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The list of tokens {Path} can be changed by other users of this machine, who could let themselves in. Make it the node's user's alone (chmod 600).")]
    private partial void LogWritable(string path);

    [LoggerMessage(Level = LogLevel.Error, Message = "Looking for new tokens failed. Those that were read before stay in force.")]
    private partial void LogFault(Exception exception);
}
