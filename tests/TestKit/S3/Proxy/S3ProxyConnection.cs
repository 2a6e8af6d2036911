using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace EdgeCache.TestKit;

/// <summary>A connection through the proxy: one of the client's and one to the server, for as long as both like.</summary>
internal sealed class S3ProxyConnection(S3Proxy proxy, HttpPeer client, CancellationToken stop) : IDisposable
{
    private TcpClient? _socket;
    private HttpPeer? _server;

    public void Dispose() => _socket?.Dispose();

    public async Task ServeAsync()
    {
        while (await client.ReadHeadAsync(stop) is { } head)
        {
            var request = S3Request.Parse(head);
            var fault = await proxy.ReceiveAsync(request, stop);
            if (fault is { HangsAtOnce: true })
                await client.WaitForEndAsync(stop);
            else if (fault?.Error is { } error ? await RefuseAsync(request, error) : await ForwardAsync(request, fault))
                continue;
            return;
        }
    }

    // The two below tell whether the connection goes on.
    private async Task<bool> RefuseAsync(S3Request request, (int Status, string Code, string Message) error)
    {
        var relay = new BodyRelay(client, to: null, proxy.Pace, stop);
        await relay.PassAsync(request.Head, request.Head.ContentLength ?? 0);
        var body = $"""<?xml version="1.0" encoding="UTF-8"?><Error><Code>{error.Code}</Code><Message>{error.Message}</Message><RequestId>proxy</RequestId></Error>""";
        var length = Encoding.UTF8.GetByteCount(body).ToString(CultureInfo.InvariantCulture);
        await client.WriteAsync($"HTTP/1.1 {error.Status} {error.Code}\r\nContent-Type: application/xml\r\nContent-Length: {length}\r\n\r\n{(request.Call == S3Call.Head ? "" : body)}", stop);
        return true;
    }

    private async Task<bool> ForwardAsync(S3Request request, S3Fault? fault)
    {
        if (fault?.CutsRequestAfter == 0)
            return false;
        if (_server is null)
        {
            _socket = await proxy.ConnectAsync(stop);
            _server = new HttpPeer(_socket.GetStream());
        }
        await _server.WriteAsync(request.Head.Text, stop);
        var sending = SendBodyAsync(request, fault);
        if (fault?.CutsRequestAfter is not null)
        {
            await sending;
            return false;
        }
        var answer = await ReadAnswerAsync();
        if (fault is { LosesAnswer: true })
            return false;
        var goesOn = await AnswerAsync(request, answer, fault);
        return goesOn && await sending && !answer.IsLast && !request.Head.IsLast;
    }

    private async Task<bool> SendBodyAsync(S3Request request, S3Fault? fault)
    {
        try
        {
            var relay = new BodyRelay(client, _server, proxy.Pace, stop) { CutsAfter = fault?.CutsRequestAfter };
            return await relay.PassAsync(request.Head, request.Head.ContentLength ?? 0);
        }
        catch (IOException)
        {
            // Nobody waits for the answer to half a request: the server must not either.
            _socket!.Dispose();
            return false;
        }
    }

    private async Task<HttpHead> ReadAnswerAsync()
    {
        while (true)
        {
            var answer = await _server!.ReadHeadAsync(stop) ?? throw new EndOfStreamException("The server ended the connection.");
            if (answer.Status >= 200)
                return answer;
            await client.WriteAsync(answer.Text, stop);
        }
    }

    private async Task<bool> AnswerAsync(S3Request request, HttpHead answer, S3Fault? fault)
    {
        var length = request.Call == S3Call.Head || answer.Status is 204 or 304 ? 0 : answer.ContentLength;
        var head = answer;
        if (fault?.ETag is { } etag)
            head = head.With("ETag", etag);
        var change = (int)Math.Max(fault?.LengthChange ?? 0, -(answer.ContentLength ?? 0));
        if (change != 0)
            head = head.With("Content-Length", ((answer.ContentLength ?? 0) + change).ToString(CultureInfo.InvariantCulture)).With("Connection", "close");
        await client.WriteAsync(head.Text, stop);
        if (length == 0)
            return change == 0;

        var own = fault?.BytesPerSecond is { } rate ? new Pace(proxy.Time) { BytesPerSecond = rate } : proxy.Pace;
        var relay = new BodyRelay(_server!, client, own, stop) { Gate = proxy.BodyGate(request), FlipsAt = fault?.FlipsAt, CutsAfter = fault?.CutsAfter ?? fault?.HangsAfter ?? (change < 0 ? length + change : null) };
        var goesOn = await relay.PassAsync(answer, length);
        if (change > 0)
            await client.WriteAsync(new byte[change], stop);
        if (!goesOn && fault?.HangsAfter is not null)
            await client.WaitForEndAsync(stop);
        return goesOn && change == 0;
    }
}
