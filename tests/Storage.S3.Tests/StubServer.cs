using System.Collections.Concurrent;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.S3.Tests;

/// <summary>Answers every request with the same words, and keeps what was asked: for what is about requests and connections, not about a server.</summary>
internal sealed class StubServer : IAsyncDisposable
{
    private readonly LoopbackServer _listener;
    private readonly string _answer;
    private readonly X509Certificate2? _certificate;

    public StubServer(string answer, X509Certificate2? certificate = null)
    {
        _answer = answer;
        _certificate = certificate;
        _listener = new LoopbackServer(ServeAsync);
    }

    /// <summary>The head of every request.</summary>
    public ConcurrentQueue<string> Requests { get; } = [];

    public int Port => _listener.Port;

    public async ValueTask DisposeAsync()
    {
        await _listener.DisposeAsync();
        _certificate?.Dispose();
    }

    private async Task ServeAsync(NetworkStream connection, CancellationToken cancellationToken)
    {
        await using Stream stream = _certificate is null ? connection : new SslStream(connection);
        if (stream is SslStream tls)
            await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = _certificate }, cancellationToken);
        var client = new HttpPeer(stream);
        while (await client.ReadHeadAsync(cancellationToken) is { } head)
        {
            Requests.Enqueue(head.Text);
            var body = new byte[head.ContentLength ?? 0];
            for (var read = 0; read < body.Length;)
                read += await client.ReadAsync(body.AsMemory(read), cancellationToken) is > 0 and var more ? more : throw new EndOfStreamException();
            await client.WriteAsync(_answer, cancellationToken);
        }
    }
}
