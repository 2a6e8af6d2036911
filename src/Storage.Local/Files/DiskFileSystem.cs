using EdgeCache.Storage.Local.Disk;
using Microsoft.Win32.SafeHandles;

namespace EdgeCache.Storage.Local.Files;

/// <summary>The real file system.</summary>
internal sealed class DiskFileSystem(string root) : IFileSystem
{
    private readonly DriveInfo _drive = new(root);

    // Found out by the first read that must not wait. Where the system can't promise that, all reads are for threads that may wait.
    private volatile bool _canReadNow = OperatingSystem.IsLinux();

    // Found out by the first question.
    private volatile bool _canTellCached = OperatingSystem.IsLinux();

    public long FreeBytes => _drive.AvailableFreeSpace;

    public IStoreFile Create(string path)
    {
        var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return new DiskFile(this, file);
    }

    public IStoreFile Open(string path, bool writable) => new DiskFile(
        this, File.OpenHandle(path, FileMode.Open, writable ? FileAccess.ReadWrite : FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));

    public void Rename(string from, string to) => File.Move(from, to, overwrite: true);

    public void Delete(string path) => File.Delete(path);

    public void SyncFolder(string path) => Posix.SyncFolder(path);

    public bool Exists(string path) => File.Exists(path);

    public IReadOnlyList<string> List(string folder) =>
        [.. Directory.EnumerateFiles(folder).Where(Posix.IsRegularFile).Select(f => Path.GetFileName(f))];

    private sealed class DiskFile(DiskFileSystem files, SafeFileHandle handle) : IStoreFile
    {
        public long Length => RandomAccess.GetLength(handle);

        public long AllocatedBytes => Posix.GetAllocatedBytes(handle);

        public int Read(long offset, Span<byte> buffer)
        {
            var total = 0;
            while (total < buffer.Length)
            {
                var read = RandomAccess.Read(handle, buffer[total..], offset + total);
                if (read == 0)
                    break;
                total += read;
            }
            return total;
        }

        public int TryReadNow(long offset, Span<byte> buffer)
        {
            if (!files._canReadNow)
                return -1;
            var read = Posix.TryReadNow(handle, offset, buffer, out var isSupported);
            if (!isSupported)
                files._canReadNow = false;
            return read;
        }

        public SafeFileHandle? TryGetCached(long offset, int length)
        {
            if (!files._canTellCached)
                return null;
            try
            {
                var isCached = Posix.IsCached(handle, offset, length, out var isSupported);
                if (!isSupported)
                    files._canTellCached = false;
                return isCached ? handle : null;
            }
            catch (ObjectDisposedException)
            {
                // Removed in this instant; a read tells it better.
                return null;
            }
        }

        public void Write(long offset, ReadOnlySpan<byte> content) => RandomAccess.Write(handle, content, offset);

        public void Write(long offset, IReadOnlyList<ReadOnlyMemory<byte>> content) => RandomAccess.Write(handle, content, offset);

        public void StartWriteback(long offset, long length) => Posix.StartWriteback(handle, offset, length);

        public void Sync() => RandomAccess.FlushToDisk(handle);

        public void Dispose() => handle.Dispose();
    }
}
