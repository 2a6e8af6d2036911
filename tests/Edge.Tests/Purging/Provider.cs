using System.Text;
using EdgeCache.TestKit;

namespace EdgeCache.Edge.Tests.Purging;

/// <summary>A provider's API that writes down what it is told and answers what the test says.</summary>
internal sealed class Provider : IAsyncDisposable
{
    private readonly LoopbackServer _server;
    private readonly List<(HttpHead Head, string Body)> _calls = [];

    public Provider() => _server = new LoopbackServer(ServeAsync);

    public string Url => $"http://127.0.0.1:{_server.Port}";

    public Queue<string> Answers { get; } = new();

    public IReadOnlyList<(HttpHead Head, string Body)> Calls
    {
        get
        {
            lock (_calls)
                return [.. _calls];
        }
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task ServeAsync(System.Net.Sockets.NetworkStream stream, CancellationToken stop)
    {
        var peer = new HttpPeer(stream);
        while (await peer.ReadHeadAsync(stop) is { } head)
        {
            var body = new byte[head.ContentLength ?? 0];
            for (var read = 0; read < body.Length;)
                read += await peer.ReadAsync(body.AsMemory(read), stop);
            string answer;
            lock (_calls)
            {
                _calls.Add((head, Encoding.UTF8.GetString(body)));
                answer = Answers.TryDequeue(out var next) ? next : "201 Created";
            }
            await peer.WriteAsync($"HTTP/1.1 {answer}\r\nContent-Length: 2\r\n\r\n{{}}", stop);
        }
    }
}
