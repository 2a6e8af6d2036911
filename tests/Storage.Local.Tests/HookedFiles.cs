using EdgeCache.Storage.Local.Files;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>A file system that tells of its calls before (a write: after) it makes them. What a hook throws is the call's error; where it waits, the call waits.</summary>
internal sealed class HookedFiles(IFileSystem inner) : IFileSystem
{
    private int _open;
    private int _refusals;

    public Action<string>? OnSync { get; set; }

    public Action<string>? OnFolderSync { get; set; }

    public Action<string>? OnDelete { get; set; }

    public Action<string>? OnList { get; set; }

    /// <summary>Path, offset and the length that is asked for.</summary>
    public Action<string, long, int>? OnRead { get; set; }

    /// <summary>Path, offset and length.</summary>
    public Action<string, long, int>? OnWritten { get; set; }

    public Func<long>? OnFreeBytes { get; set; }

    /// <summary>What a file takes beyond what it takes, in bytes: some file systems keep more for a file than it is long.</summary>
    public long ExtraBytes { get; set; }

    /// <summary>Files that are open.</summary>
    public int OpenFiles => Volatile.Read(ref _open);

    /// <summary>Calls that have ended because the disk was full.</summary>
    public int Refusals => Volatile.Read(ref _refusals);

    public long FreeBytes => OnFreeBytes?.Invoke() ?? 1L << 40;

    public IStoreFile Create(string path)
    {
        IStoreFile? file = null;
        Watch(() => file = inner.Create(path));
        return new HookedFile(this, path, file!);
    }

    public IStoreFile Open(string path, bool writable) => new HookedFile(this, path, inner.Open(path, writable));

    public void Rename(string from, string to) => inner.Rename(from, to);

    public void Delete(string path)
    {
        OnDelete?.Invoke(path);
        inner.Delete(path);
    }

    public void SyncFolder(string path)
    {
        OnFolderSync?.Invoke(path);
        Watch(() => inner.SyncFolder(path));
    }

    public bool Exists(string path) => inner.Exists(path);

    public IReadOnlyList<string> List(string folder)
    {
        OnList?.Invoke(folder);
        return inner.List(folder);
    }

    private void Watch(Action call)
    {
        try
        {
            call();
        }
        catch (IOException error) when (Disk.Posix.IsNoSpace(error))
        {
            Interlocked.Increment(ref _refusals);
            throw;
        }
    }

    private sealed class HookedFile : IStoreFile
    {
        private readonly HookedFiles _files;
        private readonly string _path;
        private readonly IStoreFile _file;
        private int _disposed;

        public HookedFile(HookedFiles files, string path, IStoreFile file)
        {
            _files = files;
            _path = path;
            _file = file;
            Interlocked.Increment(ref files._open);
        }

        public long Length => _file.Length;

        public long AllocatedBytes => _file.AllocatedBytes + _files.ExtraBytes;

        public int Read(long offset, Span<byte> buffer)
        {
            _files.OnRead?.Invoke(_path, offset, buffer.Length);
            return _file.Read(offset, buffer);
        }

        public void Write(long offset, ReadOnlySpan<byte> content)
        {
            try
            {
                _file.Write(offset, content);
            }
            catch (IOException error) when (Disk.Posix.IsNoSpace(error))
            {
                Interlocked.Increment(ref _files._refusals);
                throw;
            }
            _files.OnWritten?.Invoke(_path, offset, content.Length);
        }

        public void Write(long offset, IReadOnlyList<ReadOnlyMemory<byte>> content) => _files.Watch(() => _file.Write(offset, content));

        public void Sync()
        {
            _files.OnSync?.Invoke(_path);
            _files.Watch(_file.Sync);
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0)
                Interlocked.Decrement(ref _files._open);
            _file.Dispose();
        }
    }
}
