using System.Buffers.Binary;
using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace EdgeCache.Storage.Local.Disk;

/// <summary>The system calls that the base class library does not offer. The only file that names the C library.</summary>
internal static partial class Posix
{
    // errno values are the same on every Linux architecture that .NET runs on.
    private const int NoSpaceLeft = 28;
    private const int QuotaExceeded = 122;

    private const int WouldBlock = 11;
    private const int InvalidArgument = 22;
    private const int NoSuchCall = 38;
    private const int NotSupported = 95;
    private const int ReadNoWait = 8;
    private const int SharingViolation = unchecked((int)0x80070020);

    private const int OpenReadOnlyCloseOnExec = 0x80000;
    private const int CurrentFolder = -100;
    private const int StatxNoFollow = 0x100;
    private const uint StatxType = 0x1;
    private const int StatxModeOffset = 28;
    private const int FileTypeMask = 0xF000;
    private const int RegularFile = 0x8000;
    private const int StatxEmptyPath = 0x1000;
    private const uint StatxBlocks = 0x400;
    private const int StatxBufferSize = 256;
    private const int StatxBlocksOffset = 48;
    private const int BlockUnit = 512;
    private const uint StartWrite = 2;
    private const long FallbackBlock = 4096;

    // The same on every architecture: it is younger than the common table of numbers.
    private const int CacheStat = 451;

    /// <summary>Makes the entries of a folder durable: created, renamed and removed names. Windows does it with the file's own sync.</summary>
    /// <exception cref="IOException">The folder can't be synced: nothing is known of its entries.</exception>
    public static void SyncFolder(string path)
    {
        if (OperatingSystem.IsWindows())
            return;
        using var folder = Open(path, OpenReadOnlyCloseOnExec);
        if (folder.IsInvalid)
            throw LastError($"The folder '{path}' can't be opened");
        if (FSync(folder) != 0)
            throw LastError($"The folder '{path}' can't be synced");
    }

    /// <summary>Opens a file for reading whoever has locked it: the library takes a shared lock with every read handle, and fails against an exclusive one.</summary>
    public static SafeFileHandle OpenUnlocked(string path)
    {
        if (!OperatingSystem.IsLinux())
            return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var file = Open(path, OpenReadOnlyCloseOnExec);
        if (!file.IsInvalid)
            return file;
        file.Dispose();
        throw LastError($"The file '{path}' can't be opened");
    }

    /// <summary>Has the system begin to write a part of a file, without waiting for it. A hint only: an error will come up again at the sync, which counts.</summary>
    public static void StartWriteback(SafeFileHandle file, long offset, long length)
    {
        if (OperatingSystem.IsLinux())
            _ = SyncFileRange(file, offset, length, StartWrite);
    }

    /// <summary>Disk space that a file takes, in bytes: allocated blocks, not its length.</summary>
    public static long GetAllocatedBytes(SafeFileHandle file)
    {
        if (!OperatingSystem.IsLinux())
            return RoundUp(RandomAccess.GetLength(file));
        Span<byte> buffer = stackalloc byte[StatxBufferSize];
        if (StatX(file, "", StatxEmptyPath, StatxBlocks, ref MemoryMarshal.GetReference(buffer)) != 0)
            return RoundUp(RandomAccess.GetLength(file));
        return checked((long)BinaryPrimitives.ReadUInt64LittleEndian(buffer[StatxBlocksOffset..]) * BlockUnit);
    }

    /// <summary>Reads what the system has in memory, and does not wait for the disk (preadv2 with RWF_NOWAIT).</summary>
    /// <param name="file">The file.</param>
    /// <param name="offset">Where in it.</param>
    /// <param name="buffer">Where to.</param>
    /// <param name="isSupported">Whether system and file system can do this at all.</param>
    /// <returns>Bytes read, perhaps fewer than there are; -1 when there would be a wait, or an error, which a plain read tells better.</returns>
    public static unsafe int TryReadNow(SafeFileHandle file, long offset, Span<byte> buffer, out bool isSupported)
    {
        isSupported = true;
        try
        {
            fixed (byte* start = buffer)
            {
                var vector = new IoVector { Start = start, Length = (nuint)buffer.Length };
                var read = PReadV2(file, &vector, 1, offset, ReadNoWait);
                if (read >= 0)
                    return (int)read;
                isSupported = Marshal.GetLastPInvokeError() is not (InvalidArgument or NoSuchCall or NotSupported);
                return -1;
            }
        }
        catch (EntryPointNotFoundException)
        {
            // An older C library.
            isSupported = false;
            return -1;
        }
    }

    /// <summary>Whether the system has a whole part of a file in memory (cachestat(2), since Linux 6.5), so that it can be sent without waiting for the disk.</summary>
    /// <param name="file">The file.</param>
    /// <param name="offset">First byte of the part.</param>
    /// <param name="length">Bytes, at least 1.</param>
    /// <param name="isSupported">Whether the system can tell at all.</param>
    public static unsafe bool IsCached(SafeFileHandle file, long offset, int length, out bool isSupported)
    {
        var part = new CacheRange { Offset = (ulong)offset, Length = (ulong)length };
        var state = default(CacheState);
        isSupported = SystemCall(CacheStat, file, &part, &state, 0) == 0;
        var pages = ((offset + length - 1) / Environment.SystemPageSize) - (offset / Environment.SystemPageSize) + 1;
        if (!isSupported || state.Cached < (ulong)pages)
            return false;
        // A page that is on its way in counts as there, and the last comes last. It also shows that the file does not end before.
        byte last;
        return TryReadNow(file, offset + length - 1, new Span<byte>(&last, 1), out isSupported) == 1;
    }

    /// <summary>Whether a name is a file and nothing else: no link, which may lead out of the store, and no pipe, on which opening would wait.</summary>
    public static bool IsRegularFile(string path)
    {
        if (!OperatingSystem.IsLinux())
            return (File.GetAttributes(path) & (FileAttributes.ReparsePoint | FileAttributes.Directory | FileAttributes.Device)) == FileAttributes.None;
        Span<byte> buffer = stackalloc byte[StatxBufferSize];
        return StatXAt(CurrentFolder, path, StatxNoFollow, StatxType, ref MemoryMarshal.GetReference(buffer)) == 0
            && (BinaryPrimitives.ReadUInt16LittleEndian(buffer[StatxModeOffset..]) & FileTypeMask) == RegularFile;
    }

    /// <summary>Whether an error means that another process has locked the file.</summary>
    public static bool IsLocked(IOException error) => error.HResult is WouldBlock or SharingViolation;

    /// <summary>Whether an error of the file system means that it is full (or the user's quota is).</summary>
    public static bool IsNoSpace(IOException error) => error.HResult is NoSpaceLeft or QuotaExceeded;

    private static long RoundUp(long length) => (length + FallbackBlock - 1) / FallbackBlock * FallbackBlock;

    private static IOException LastError(string what)
    {
        var errno = Marshal.GetLastPInvokeError();
        return new IOException($"{what}: {new Win32Exception(errno).Message}.", errno);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial SafeFileHandle Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int FSync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "sync_file_range", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SyncFileRange(SafeFileHandle file, long offset, long length, uint flags);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int StatXAt(int folder, string path, int flags, uint mask, ref byte buffer);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int StatX(SafeFileHandle folder, string path, int flags, uint mask, ref byte buffer);

    [LibraryImport("libc", EntryPoint = "preadv2", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial nint PReadV2(SafeFileHandle file, IoVector* vectors, int count, long offset, int flags);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial nint SystemCall(nint number, SafeFileHandle file, CacheRange* part, CacheState* state, nint flags);

    [StructLayout(LayoutKind.Sequential)]
    private struct CacheRange
    {
        public ulong Offset;
        public ulong Length;
    }

    /// <summary>In pages.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct CacheState
    {
        public ulong Cached;
        public ulong Dirty;
        public ulong InWriteback;
        public ulong Evicted;
        public ulong LatelyEvicted;
    }

    [StructLayout(LayoutKind.Sequential)]
    private unsafe struct IoVector
    {
        public byte* Start;
        public nuint Length;
    }
}
