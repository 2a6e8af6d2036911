using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace EdgeCache.Edge.Transport;

/// <summary>A part of a file that is to be sent. Holds the file open, whatever its owner does, until it is released.</summary>
internal struct FilePart
{
    private readonly SafeFileHandle? _handle;
    private readonly nint _file;
    private long _position;

    private FilePart(SafeFileHandle handle, long position, int length)
    {
        // Good while the reference is held. The handle itself can't be used any more once its owner has closed it.
        (_handle, _file) = (handle, handle.DangerousGetHandle());
        (_position, Left) = (position, length);
    }

    /// <summary>Whether this is a part at all.</summary>
    public readonly bool IsSet => _handle is not null;

    /// <summary>Bytes that have not been sent.</summary>
    public int Left { get; private set; }

    /// <summary>Bytes from a position in a file to the next page of the system's memory; 0 where one begins.</summary>
    public static int ToNextPage(long position) => (int)(-position & (Environment.SystemPageSize - 1));

    /// <summary>Takes hold of a file; false when it has been closed.</summary>
    public static bool TryHold(SafeFileHandle handle, long position, int length, out FilePart part)
    {
        var isHeld = false;
        try
        {
            handle.DangerousAddRef(ref isHeld);
            part = new FilePart(handle, position, length);
            return true;
        }
        catch (ObjectDisposedException)
        {
            part = default;
            return false;
        }
    }

    /// <summary>Has the system send what the socket has room for; true when that is all.</summary>
    /// <exception cref="ObjectDisposedException">The socket has been closed.</exception>
    public bool TrySendRest(SafeSocketHandle socket)
    {
        if (Left > 0)
            Skip(SocketCalls.SendFile(socket, _file, _position, Left));
        return Left == 0;
    }

    /// <summary>Reads on, for whoever sends it himself.</summary>
    /// <returns>Bytes read, at least 1; 0 when the file does not have them.</returns>
    public int Read(Span<byte> target)
    {
        var read = SocketCalls.Read(_file, _position, target[..Math.Min(Left, target.Length)]);
        Skip(read);
        return read;
    }

    /// <summary>Once, when nothing is to be sent of it any more.</summary>
    public readonly void Release() => _handle?.DangerousRelease();

    private void Skip(int bytes)
    {
        _position += bytes;
        Left -= bytes;
    }
}
