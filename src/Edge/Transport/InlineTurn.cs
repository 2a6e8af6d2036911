using Yarp.ReverseProxy.Model;

namespace EdgeCache.Edge.Transport;

/// <summary>
/// With inline completions a request is worked on by a thread that waits for many sockets. A client that is fast enough could keep it to itself: its next
/// request is there before the thread has looked at the others. So a connection has its turn, and then goes on in the thread pool.
/// </summary>
internal static class InlineTurn
{
    /// <summary>The runtime's switch for inline completions, an environment variable. 1 is on; anything else turns them off.</summary>
    private const string Switch = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    public static bool IsEnabled { get; private set; } = Environment.GetEnvironmentVariable(Switch) == "1";

    /// <summary>Turns inline completions on for this process, unless its environment says otherwise. Has no effect once there is a socket.</summary>
    public static void TurnOn()
    {
        if (Environment.GetEnvironmentVariable(Switch) is not null)
            return;
        Environment.SetEnvironmentVariable(Switch, "1");
        IsEnabled = true;
    }

    /// <summary>Whether the caller has the thread that waits for many sockets. Whoever may wait for a disk leaves it first (<see cref="Task.Yield"/>).</summary>
    public static bool IsOnSocketThread => IsEnabled && !Thread.CurrentThread.IsThreadPoolThread;

    /// <summary>What a turn is worth, in bytes sent.</summary>
    private const int Turn = 256 * 1024;

    /// <summary>What a request takes of it besides the bytes.</summary>
    private const int Request = 16 * 1024;

    [ThreadStatic]
    private static ConnectionInfo? _connection;

    [ThreadStatic]
    private static int _used;

    /// <summary>
    /// A middleware: lets a request that comes when its connection's turn is over go on in the thread pool, and every request that takes its time: whatever changes something, because it looks
    /// at what the disk has, and what is not of a route, such as a list or the metrics.
    /// </summary>
    public static Task InvokeAsync(HttpContext context, RequestDelegate next) => IsOver(context, Request) || (IsOnSocketThread && TakesItsTime(context)) ? YieldAsync(context, next) : next(context);

    private static bool TakesItsTime(HttpContext context) =>
        !(HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method)) || context.GetEndpoint()?.Metadata.GetMetadata<RouteModel>() is null;

    /// <summary>Counts bytes that were sent at once, after which there is nothing to do.</summary>
    public static void Note(HttpContext context, int bytes)
    {
        if (IsOnSocketThread && ReferenceEquals(_connection, context.Connection))
            _used += bytes;
    }

    /// <summary>Counts these bytes; true when the turn is over and the caller is to go on in the thread pool (<see cref="Task.Yield"/>).</summary>
    public static bool IsOver(HttpContext context, int bytes)
    {
        if (!IsOnSocketThread)
            return false;
        if (!ReferenceEquals(_connection, context.Connection))
            (_connection, _used) = (context.Connection, 0);
        _used += bytes;
        if (_used < Turn)
            return false;
        _used = 0;
        return true;
    }

    private static async Task YieldAsync(HttpContext context, RequestDelegate next)
    {
        await Task.Yield();
        await next(context);
    }
}
