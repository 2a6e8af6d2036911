using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace EdgeCache.Edge.Transport;

/// <summary>
/// Sends responses straight to the connection's socket. Kestrel goes on doing all of HTTP; only the pipe in which it would hand its output to the
/// transport's send loop is replaced, and with it the way through that loop: another thread and blocks of 4 KiB. Reading, closing and aborting stay
/// the transport's. For cleartext connections: with TLS, what Kestrel writes is not yet what the socket sends.
/// </summary>
internal static class DirectOutput
{
    /// <summary>A connection middleware; a connection that has no socket goes on as it is.</summary>
    public static ConnectionDelegate Wrap(ConnectionDelegate next) => async connection =>
    {
        if (connection.Features.Get<IConnectionSocketFeature>()?.Socket is not { } socket)
        {
            await next(connection);
            return;
        }
        var transport = connection.Transport;
        var output = new SocketPipeWriter(socket, transport.Output);
        connection.Transport = new Duplex(transport.Input, output);
        connection.Features.Set(output);
        try
        {
            await next(connection);
        }
        finally
        {
            // The transport ends the connection once its own output is complete.
            connection.Transport = transport;
            await output.CompleteAsync();
        }
    };

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
