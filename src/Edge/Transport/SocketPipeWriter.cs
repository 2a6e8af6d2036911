using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace EdgeCache.Edge.Transport;

/// <summary>
/// A writer whose flush is a send. What is written is gathered in one buffer; a flush ends when the socket has taken all of it, so a client that reads
/// slowly holds back whoever writes, and the server's minimum rate measures the client itself. Between flushes a connection holds no buffer.
/// </summary>
/// <remarks>
/// As every pipe writer it is used by one caller at a time, and nothing is written while a flush is under way. Once a send has failed or was cancelled,
/// nothing is ever sent again: nobody knows how much of it went out, and bytes after a gap would be wrong bytes.
/// </remarks>
/// <param name="socket">Of the connection; the transport owns it.</param>
/// <param name="transport">The transport's own output. Nothing goes through it; its end is the end of the connection.</param>
internal sealed partial class SocketPipeWriter(Socket socket, PipeWriter transport) : PipeWriter
{
    /// <summary>A header and a small body.</summary>
    private const int FirstBufferLength = 8 * 1024;

    /// <summary>Room that a caller gets at least, so that a nearly full buffer is not filled byte by byte.</summary>
    private const int LeastRoom = 256;

    private byte[]? _buffer;
    private int _length;
    private volatile bool _isBroken;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _length + _filePart.Left;

    public override Memory<byte> GetMemory(int sizeHint = 0) => _filePart.IsSet ? ScratchFor(sizeHint) : Reserve(sizeHint).AsMemory(_length);

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        if (_filePart.IsSet)
        {
            AdvanceFile(bytes);
            return;
        }
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, (_buffer?.Length ?? 0) - _length);
        _length += bytes;
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        // The buffer belongs to the send from here on, also when the connection is given up meanwhile.
        var (buffer, length) = (_buffer, _length);
        (_buffer, _length) = (null, 0);
        if (_filePart.IsSet)
            return FlushFileAsync(buffer, length, cancellationToken);
        if (buffer is null)
            return Flushed();
        if (length == 0 || _isBroken)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            return Flushed();
        }
        var sending = StartSend(buffer.AsMemory(0, length), cancellationToken);
        if (!sending.IsCompletedSuccessfully)
            return SendRestAsync(buffer, length, sending, cancellationToken);
        var sent = sending.Result;
        if (sent < length)
            return SendRestAsync(buffer, length, new ValueTask<int>(sent), cancellationToken);
        ArrayPool<byte>.Shared.Return(buffer);
        return Flushed();
    }

    /// <summary>A flush can't be taken back in part, and going on after it would leave a gap, so this gives the connection up.</summary>
    public override void CancelPendingFlush()
    {
        _isBroken = true;
        transport.Complete();
    }

    /// <summary>Ends the connection's output. As in a pipe, what was written and not flushed still goes out.</summary>
    public override void Complete(Exception? exception = null)
    {
        var (buffer, length) = (_buffer, _length);
        (_buffer, _length) = (null, 0);
        if (_filePart.IsSet)
            DropFile();
        if (buffer is not null)
        {
            if (exception is null && !_isBroken)
                transport.Write(buffer.AsSpan(0, length));
            ArrayPool<byte>.Shared.Return(buffer);
        }
        transport.Complete(exception);
    }

    private byte[] Reserve(int sizeHint)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        var needed = checked(_length + Math.Max(sizeHint, LeastRoom));
        if (_buffer is { } buffer && buffer.Length >= needed)
            return buffer;
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(needed, FirstBufferLength));
        if (_buffer is not null)
        {
            _buffer.AsSpan(0, _length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
        }
        return _buffer = larger;
    }

    private ValueTask<FlushResult> Flushed() => new(new FlushResult(isCanceled: false, isCompleted: _isBroken));

    private ValueTask<int> StartSend(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        try
        {
            return socket.SendAsync(bytes, SocketFlags.None, cancellationToken);
        }
        catch (ObjectDisposedException gone)
        {
            return ValueTask.FromException<int>(gone);
        }
    }

    /// <summary>Waits for a send that the socket could not take at once, and for as many more as it needs.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<FlushResult> SendRestAsync(byte[] buffer, int length, ValueTask<int> sending, CancellationToken cancellationToken)
    {
        var isSent = false;
        try
        {
            for (var sent = await sending; sent < length;)
                sent += await StartSend(buffer.AsMemory(sent, length - sent), cancellationToken);
            isSent = true;
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            // The client has gone or the connection was aborted: the server learns it as from a pipe that nobody reads any more.
        }
        finally
        {
            _isBroken |= !isSent;
            ArrayPool<byte>.Shared.Return(buffer);
        }
        return new FlushResult(isCanceled: false, isCompleted: _isBroken);
    }
}
