using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace EdgeCache.Storage;

/// <summary>
/// Connections to other servers, for a <see cref="SocketsHttpHandler"/>: what waits for them goes on in the thread pool. With the runtime's inline completions it would go on on the thread
/// that waits for many sockets, and whoever waits there for more of an answer (the vendor's S3 client does, for the text of an error) waits for itself.
/// </summary>
public static class OutboundConnection
{
    /// <summary>Connects as the handler itself would. For <see cref="SocketsHttpHandler.ConnectCallback"/>.</summary>
    /// <param name="context">Where to.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="SocketException">There is no such server, or it does not answer.</exception>
    public static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(context.DnsEndPoint, cancellationToken).ConfigureAwait(false);
            await LeaveSocketThreadAsync().ConfigureAwait(false);
            return new PoolStream(new NetworkStream(socket, ownsSocket: true));
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Goes on in the thread pool when the caller is not there yet. Costs nothing when it is.</summary>
    public static ValueTask LeaveSocketThreadAsync()
    {
        return Thread.CurrentThread.IsThreadPoolThread ? default : YieldAsync();

        static async ValueTask YieldAsync() => await Task.Yield();
    }

    /// <summary>A stream whose waits end in the thread pool.</summary>
    private sealed class PoolStream(NetworkStream inner) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var read = inner.ReadAsync(buffer, cancellationToken);
            return read.IsCompleted ? read : EndInPoolAsync(read);
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var write = inner.WriteAsync(buffer, cancellationToken);
            return write.IsCompleted ? write : EndInPoolAsync(write);
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(Span<byte> buffer) => inner.Read(buffer);

        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

        public override void Write(ReadOnlySpan<byte> buffer) => inner.Write(buffer);

        public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);

        // A socket keeps nothing back.
        public override void Flush()
        {
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                inner.Dispose();
            base.Dispose(disposing);
        }

        [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
        private static async ValueTask<int> EndInPoolAsync(ValueTask<int> read)
        {
            try
            {
                return await read.ConfigureAwait(false);
            }
            finally
            {
                await LeaveSocketThreadAsync().ConfigureAwait(false);
            }
        }

        [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
        private static async ValueTask EndInPoolAsync(ValueTask write)
        {
            try
            {
                await write.ConfigureAwait(false);
            }
            finally
            {
                await LeaveSocketThreadAsync().ConfigureAwait(false);
            }
        }
    }
}
