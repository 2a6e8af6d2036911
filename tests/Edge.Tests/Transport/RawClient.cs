using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace EdgeCache.Edge.Tests.Transport;

/// <summary>A client on a bare socket, which decides itself when to read and how to leave.</summary>
internal sealed class RawClient : IAsyncDisposable
{
    /// <summary>What follows the target in every request.</summary>
    public const string Head = $"HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TestNode.Token}\r\n\r\n";

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(60), TimeProvider.System);
    private readonly byte[] _buffer = new byte[64 * 1024];
    private int _start;
    private int _end;

    /// <summary>Connects with a receive buffer (and so a window) of this many bytes; 0 leaves it to the system.</summary>
    public static async Task<RawClient> ConnectAsync(TestNode node, int receiveBuffer = 0)
    {
        var client = new RawClient();
        if (receiveBuffer > 0)
            client._socket.ReceiveBufferSize = receiveBuffer;
        await client._socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, node.Port), client._limit.Token);
        return client;
    }

    public async Task SendAsync(string request)
    {
        for (ReadOnlyMemory<byte> rest = Encoding.Latin1.GetBytes(request); rest.Length > 0;)
            rest = rest[await _socket.SendAsync(rest, _limit.Token)..];
    }

    /// <summary>The next response's status and length.</summary>
    public async Task<(int Status, int Length)> ReadHeaderAsync()
    {
        int end;
        while ((end = _buffer.AsSpan(_start, _end - _start).IndexOf("\r\n\r\n"u8)) < 0)
        {
            if (!await FillAsync())
                throw new EndOfStreamException("The connection ended within a header.");
        }
        var lines = Encoding.Latin1.GetString(_buffer, _start, end).Split("\r\n");
        _start += end + 4;
        var status = int.Parse(lines[0].Split(' ')[1], CultureInfo.InvariantCulture);
        if (status is 100 or 304)
            return (status, 0);
        var length = lines.Single(line => line.StartsWith("Content-Length: ", StringComparison.Ordinal));
        return (status, int.Parse(length["Content-Length: ".Length..], CultureInfo.InvariantCulture));
    }

    /// <summary>So many bytes of content, taken from the socket in steps of at most this size.</summary>
    public async Task<byte[]> ReadBodyAsync(int length, int step = int.MaxValue)
    {
        var body = new byte[length];
        for (var read = 0; read < length;)
        {
            if (_start == _end && !await FillAsync(step))
                throw new EndOfStreamException($"The connection ended after {read} bytes of {length}.");
            var part = Math.Min(_end - _start, length - read);
            _buffer.AsSpan(_start, part).CopyTo(body.AsSpan(read));
            _start += part;
            read += part;
        }
        return body;
    }

    /// <summary>Everything until the connection ends, well or not.</summary>
    public async Task<byte[]> ReadToEndAsync()
    {
        using var all = new MemoryStream();
        do
        {
            all.Write(_buffer, _start, _end - _start);
            _start = _end;
        }
        while (await FillAsync());
        return all.ToArray();
    }

    public void CloseSending() => _socket.Shutdown(SocketShutdown.Send);

    /// <summary>Leaves: with a reset, or as a program does that has what it wants.</summary>
    public void Close(bool reset)
    {
        if (reset)
            _socket.LingerState = new LingerOption(enable: true, seconds: 0);
        _socket.Close();
    }

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        _limit.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<bool> FillAsync(int step = int.MaxValue)
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }
        try
        {
            var read = await _socket.ReceiveAsync(_buffer.AsMemory(_end, Math.Min(step, _buffer.Length - _end)), _limit.Token);
            _end += read;
            return read > 0;
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.ConnectionReset)
        {
            return false;
        }
    }
}
