using System.Net;
using System.Net.Sockets;

namespace EdgeCache.Storage.S3.Tests;

/// <summary>Stands between store and server, and can cut the next connection after a number of bytes of the answer have gone through.</summary>
internal sealed class CuttingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Uri _server;
    private readonly Task _loop;
    private int _cutAfter = -1;
    private int _cuts;

    public CuttingProxy(Uri server)
    {
        _server = server;
        _listener.Start();
        _loop = AcceptAsync();
    }

    public Uri Endpoint => new($"http://{_listener.LocalEndpoint}");

    public int Cuts => Volatile.Read(ref _cuts);

    /// <summary>Cuts whichever connection answers next, once, when that many bytes of the answer have passed.</summary>
    public void CutNext(int after) => Volatile.Write(ref _cutAfter, after);

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
                connections.Add(ForwardAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            await Task.WhenAll(connections);
        }
    }

    private async Task ForwardAsync(TcpClient client)
    {
        using var server = new TcpClient();
        try
        {
            using (client)
            {
                await server.ConnectAsync(_server.Host, _server.Port, _stop.Token);
                var up = client.GetStream().CopyToAsync(server.GetStream(), _stop.Token);
                await AnswerAsync(server.GetStream(), client.GetStream());
                client.Close();
                server.Close();
                await up;
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // One of the two went away.
        }
    }

    private async Task AnswerAsync(NetworkStream from, NetworkStream to)
    {
        var buffer = new byte[64 * 1024];
        var left = -1;
        while (await from.ReadAsync(buffer, _stop.Token) is > 0 and var read)
        {
            if (left < 0)
                left = Interlocked.Exchange(ref _cutAfter, -1);
            if (left >= 0 && read > left)
            {
                await to.WriteAsync(buffer.AsMemory(0, left), _stop.Token);
                Interlocked.Increment(ref _cuts);
                return;
            }
            left -= left < 0 ? 0 : read;
            await to.WriteAsync(buffer.AsMemory(0, read), _stop.Token);
        }
    }
}
