using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace EdgeCache.Edge.Transport;

/// <summary>The system calls on sockets that the base class library does not offer, for 64-bit Linux. The only file of the node that names the C library.</summary>
internal static partial class SocketCalls
{
    // The values are the same on x64 and arm64.
    private const int GetStatusFlags = 3;
    private const int NonBlocking = 0x800;
    private const int DoNotWait = 0x40;
    private const int NoSignal = 0x4000;
    private const int More = 0x8000;

    /// <summary>Whether calls on this socket return rather than wait; whoever waits in them would hold up a thread that serves many.</summary>
    public static bool IsNonBlocking(SafeSocketHandle socket) => FileControl(socket, GetStatusFlags, 0) is >= 0 and var flags && (flags & NonBlocking) != 0;

    /// <summary>Sends bytes after which more are to come at once, so that the system need not send them on their own (MSG_MORE).</summary>
    /// <returns>Bytes that the socket took; 0 when it has no room or an error, which the next send tells better.</returns>
    public static unsafe int SendBeforeMore(SafeSocketHandle socket, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
            return (int)Math.Max(0, Send(socket, start, (nuint)bytes.Length, DoNotWait | NoSignal | More));
    }

    /// <summary>Has the system send a part of a file (sendfile(2)).</summary>
    /// <returns>Bytes that the socket took; 0 when it has no room, there is an error, or the file ends before.</returns>
    public static unsafe int SendFile(SafeSocketHandle socket, nint file, long position, int length) => (int)Math.Max(0, SendFile(socket, file, &position, (nuint)length));

    /// <summary>Reads from a file.</summary>
    /// <returns>Bytes read; 0 at its end, and when there is an error.</returns>
    public static unsafe int Read(nint file, long position, Span<byte> target)
    {
        fixed (byte* start = target)
            return (int)Math.Max(0, PRead(file, start, (nuint)target.Length, position));
    }

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int FileControl(SafeSocketHandle socket, int command, nint argument);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial nint Send(SafeSocketHandle socket, byte* bytes, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "sendfile", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial nint SendFile(SafeSocketHandle socket, nint file, long* position, nuint length);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial nint PRead(nint file, byte* target, nuint length, long position);
}
