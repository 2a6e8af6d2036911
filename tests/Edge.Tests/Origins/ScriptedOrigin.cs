using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace EdgeCache.Edge.Tests.Origins;

/// <summary>A server that does to each request what the test says, one answer after the other, the last one again and again; for what no good server does.</summary>
internal sealed class ScriptedOrigin : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<Step> _steps;
    private readonly Task _loop;

    public ScriptedOrigin(params Step[] steps)
    {
        _steps = new(steps);
        _listener.Start();
        _loop = AcceptAsync();
    }

    public Uri Address => new($"http://{_listener.LocalEndpoint}");

    /// <summary>The head of every request.</summary>
    public ConcurrentQueue<string> Requests { get; } = [];

    public static string Ok(long length, params string[] fields) => Head("200 OK", [$"Content-Length: {length}", .. fields]);

    public static string Head(string status, params string[] fields) => $"HTTP/1.1 {status}\r\n{string.Join("\r\n", fields)}\r\n\r\n";

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _loop;
    }

    private async Task AcceptAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true)
                connections.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            await Task.WhenAll(connections);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                var stream = client.GetStream();
                while (await ReadHeadAsync(stream) is { } head)
                {
                    Requests.Enqueue(head);
                    var step = _steps.Count > 1 && _steps.TryDequeue(out var next) ? next : _steps.First();
                    await stream.WriteAsync(Encoding.ASCII.GetBytes(step.Head), _stop.Token);
                    await stream.WriteAsync(step.Body, _stop.Token);
                    if (step.Then == Then.Hang)
                        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, _stop.Token);
                    if (step.Then == Then.Close)
                        return;
                }
            }
            catch (Exception e) when (e is IOException or OperationCanceledException)
            {
                // The client went away.
            }
        }
    }

    private async Task<string?> ReadHeadAsync(NetworkStream stream)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await stream.ReadAsync(one, _stop.Token) == 0)
                return null;
            head.Append((char)one[0]);
        }
        return head.ToString();
    }
}

/// <summary>What follows an answer.</summary>
internal enum Then
{
    NextRequest,
    Close,
    Hang,
}

/// <summary>One answer.</summary>
internal sealed record Step(string Head, ReadOnlyMemory<byte> Body = default, Then Then = Then.NextRequest);
