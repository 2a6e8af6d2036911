using System.Net;
using System.Net.Sockets;

namespace EdgeCache.TestKit;

/// <summary>Listens on a port of loopback and gives every connection to a function, until it is disposed; can refuse connections for a while, on the same port.</summary>
public sealed class LoopbackServer : IAsyncDisposable
{
    private readonly Func<NetworkStream, CancellationToken, Task> _serve;
    private readonly CancellationTokenSource _stop = new();

    // Protects the three below; nothing else is called under it but the sockets' own methods.
    private readonly Lock _gate = new();
    private readonly Dictionary<Socket, Task> _connections = [];
    private TcpListener? _listener;
    private Task _loop = Task.CompletedTask;

    /// <summary>Listens at once.</summary>
    /// <param name="serve">Serves one connection, which is closed when it returns. The exceptions of connections that break are expected.</param>
    public LoopbackServer(Func<NetworkStream, CancellationToken, Task> serve)
    {
        _serve = serve;
        Listen(0);
        Port = ((IPEndPoint)_listener!.LocalEndpoint).Port;
    }

    public int Port { get; }

    /// <summary>A port on which nobody listens.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Breaks all connections and refuses new ones.</summary>
    public async Task RefuseAsync()
    {
        Task loop;
        lock (_gate)
        {
            _listener?.Stop();
            _listener = null;
            foreach (var socket in _connections.Keys)
                socket.Close();
            loop = _loop;
        }
        await loop;
    }

    /// <summary>Takes connections again.</summary>
    public void Accept()
    {
        if (_listener is null)
            Listen(Port);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await RefuseAsync();
        Task[] connections;
        lock (_gate)
            connections = [.. _connections.Values];
        await Task.WhenAll(connections);
        _stop.Dispose();
    }

    private void Listen(int port)
    {
        var listener = new TcpListener(IPAddress.Loopback, port);
        listener.Server.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        listener.Start();
        lock (_gate)
        {
            _listener = listener;
            _loop = AcceptAsync(listener);
        }
    }

    private async Task AcceptAsync(TcpListener listener)
    {
        try
        {
            while (true)
            {
                var socket = await listener.AcceptSocketAsync();
                lock (_gate)
                {
                    if (_listener == listener)
                        _connections[socket] = Task.Run(() => ServeAsync(socket));
                    else
                        socket.Close();
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The listener was stopped.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            socket.NoDelay = true;
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            await _serve(stream, _stop.Token);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or OperationCanceledException or System.Security.Authentication.AuthenticationException)
        {
            // The client went away, does not trust the certificate, or was cut off.
        }
        finally
        {
            lock (_gate)
                _connections.Remove(socket);
        }
    }
}
