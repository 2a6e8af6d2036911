using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace EdgeCache.Edge.Transport;

/// <content>
/// Content that the system sends straight from a file. The server counts its bytes as it counts all, by memory that it is given and told to have been written; only that this memory
/// is nobody's and is never sent.
/// </content>
internal sealed partial class SocketPipeWriter
{
    // What is under it is never read nor sent, so all connections have the same.
    private static readonly byte[] Scratch = new byte[16];

    /// <summary>Bytes that go by way of memory at a time: they are sent to learn that there is room, and copied, so they are few.</summary>
    private const int PieceLength = 8 * 1024;

    /// <summary>Where pages are larger, there are few of them, and the start of one is more than is to be copied.</summary>
    private const int LargestPage = 4096;

    private FilePart _filePart;
    private bool _isFileCounted;
    private bool? _canSendFiles;

    /// <summary>Whether a file did not have what was to be sent of it. The connection must be cut then: it can't send anything any more.</summary>
    public bool IsFileShort { get; private set; }

    /// <summary>
    /// Takes a part of a file as the next bytes. Whoever calls it flushes at once. What is before the first whole page is read and goes with what was written before: so 64 KiB that begin
    /// within a page lie in 16 pages and not in 17. The system sends 16 at a time; the last was a send of its own after the others had gone, for which a congestion control that paces (BBR)
    /// set a timer. That made such a hit cost a third more processor time than one that begins with a page.
    /// </summary>
    /// <param name="body">The response's body, as the server gives it out; it must lead here.</param>
    /// <param name="file">The file. What is to be sent of it should be in the system's memory: a send waits for the disk otherwise.</param>
    /// <param name="position">Where in it.</param>
    /// <param name="length">Bytes, at least 1.</param>
    /// <returns>False where it is to be written as any other content: nothing has happened.</returns>
    public bool TryWriteFile(PipeWriter body, SafeFileHandle file, long position, int length)
    {
        if (_filePart.IsSet || _isBroken || !CanSendFiles || !FilePart.TryHold(file, position, length, out _filePart))
            return false;
        _isFileCounted = false;
        var toPage = FilePart.ToNextPage(position);
        if (!LeadsHere(body) || (toPage is > 0 and < LargestPage && toPage < length && !TryWriteStart(body, toPage)))
        {
            DropFile();
            return false;
        }
        if (LeadsHere(body))
        {
            body.Advance(_filePart.Left);
            return true;
        }
        // The server has given the connection up in this instant. The start has been counted, so there is no other way any more: the flush says that it is over.
        DropFile();
        _isBroken = true;
        return true;
    }

    /// <summary>Whether what is written there comes here. What stands between the two, such as a response that has not been started or is over, has memory of its own.</summary>
    private static bool LeadsHere(PipeWriter body) => MemoryMarshal.TryGetArray<byte>(body.GetMemory(1), out var memory) && ReferenceEquals(memory.Array, Scratch);

    /// <summary>Writes the first bytes of the part as any others; false where the file does not have them.</summary>
    private bool TryWriteStart(PipeWriter body, int length)
    {
        var part = _filePart;
        _filePart = default;
        try
        {
            if (part.Read(body.GetSpan(length)[..length]) < length)
                return false;
            body.Advance(length);
            return true;
        }
        finally
        {
            _filePart = part;
        }
    }

    private bool CanSendFiles => _canSendFiles ??= OperatingSystem.IsLinux() && Environment.Is64BitProcess && SocketCalls.IsNonBlocking(socket.SafeHandle);

    private Memory<byte> ScratchFor(int sizeHint) =>
        _isFileCounted || sizeHint > Scratch.Length ? throw new InvalidOperationException("Nothing is written after a part of a file before it is flushed.") : Scratch;

    private void AdvanceFile(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(bytes, _filePart.Left);
        _isFileCounted = true;
    }

    /// <summary>Content that was announced does not come: whatever is sent after it would be taken for it.</summary>
    private void DropFile()
    {
        _isBroken |= _isFileCounted;
        _filePart.Release();
        _filePart = default;
    }

    private ValueTask<FlushResult> FlushFileAsync(byte[]? header, int length, CancellationToken cancellationToken)
    {
        var part = _filePart;
        _filePart = default;
        var sent = 0;
        try
        {
            if (!_isBroken)
            {
                if (length > 0)
                    sent = SocketCalls.SendBeforeMore(socket.SafeHandle, header.AsSpan(0, length));
                if (sent < length || !part.TrySendRest(socket.SafeHandle))
                    return SendFileRestAsync(header, sent, length, part, cancellationToken);
            }
        }
        catch (ObjectDisposedException)
        {
            _isBroken = true;
        }
        part.Release();
        if (header is not null)
            ArrayPool<byte>.Shared.Return(header);
        return Flushed();
    }

    /// <summary>
    /// Waits until the socket has taken all. What says that it has room again is the end of a send of some bytes more, so whenever it is full, what is left goes by way of
    /// memory; it is a part of a part, and the next begins with a socket that has room.
    /// </summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<FlushResult> SendFileRestAsync(byte[]? header, int sent, int length, FilePart part, CancellationToken cancellationToken)
    {
        var isSent = false;
        byte[]? piece = null;
        try
        {
            while (sent < length)
                sent += await StartSend(header.AsMemory(sent, length - sent), cancellationToken);
            while (!_isBroken)
            {
                // After a wait the rest of the part may have left the memory; then this waits for the disk, and not on a thread that waits for sockets.
                if (InlineTurn.IsOnSocketThread)
                    await Task.Yield();
                if (part.TrySendRest(socket.SafeHandle))
                    break;
                piece ??= ArrayPool<byte>.Shared.Rent(Math.Min(part.Left, PieceLength));
                var read = part.Read(piece);
                if (read == 0)
                {
                    IsFileShort = true;
                    break;
                }
                for (var begun = 0; begun < read;)
                    begun += await StartSend(piece.AsMemory(begun, read - begun), cancellationToken);
            }
            isSent = part.Left == 0;
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            // As with bytes from memory.
        }
        finally
        {
            _isBroken |= !isSent;
            part.Release();
            if (piece is not null)
                ArrayPool<byte>.Shared.Return(piece);
            if (header is not null)
                ArrayPool<byte>.Shared.Return(header);
        }
        return new FlushResult(isCanceled: false, isCompleted: _isBroken);
    }
}
