using System.Collections.Concurrent;
using EdgeCache.Storage.Local.Disk;
using EdgeCache.Storage.Local.Files;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>A real folder that counts what is read, can say that everything would have to be waited for, and can be held up. Syncs do nothing: no test here is about crashes.</summary>
internal sealed class WatchedFiles(string root) : IFileSystem
{
    private readonly DiskFileSystem _inner = new(root);
    private int _reads;
    private int _opens;

    /// <summary>Bytes that can be read without a wait, at most; null for all.</summary>
    public int? ReadableNow { get; set; }

    /// <summary>What a read that may wait waits for.</summary>
    public ManualResetEventSlim Gate { get; } = new(initialState: true);

    /// <summary>Names of the threads on which there was a read that may wait.</summary>
    public ConcurrentQueue<string> WaitedOn { get; } = new();

    /// <summary>Calls that read, of either kind.</summary>
    public int Reads => Volatile.Read(ref _reads);

    public int Opens => Volatile.Read(ref _opens);

    /// <summary>Open files by path, and how often each.</summary>
    public ConcurrentDictionary<string, int> OpenNow { get; } = new(StringComparer.Ordinal);

    public long FreeBytes => 1L << 40;

    /// <summary>Opens a store in the folder.</summary>
    public async Task<LocalStore> OpenStoreAsync(LocalStoreOptions options, TimeProvider? time = null)
    {
        var layout = new StoreLayout(options.Path);
        layout.Create();
        return await LocalStore.OpenAsync(options, layout, this, null, (new HashSecret(1, 2), StoreMarker.Format), time ?? TimeProvider.System, NullLogger.Instance);
    }

    public IStoreFile Create(string path) => new Watched(this, path, _inner.Create(path));

    public IStoreFile Open(string path, bool writable)
    {
        Interlocked.Increment(ref _opens);
        return new Watched(this, path, _inner.Open(path, writable));
    }

    public void Rename(string from, string to) => _inner.Rename(from, to);

    public void Delete(string path) => _inner.Delete(path);

    public void SyncFolder(string path)
    {
    }

    public bool Exists(string path) => _inner.Exists(path);

    public IReadOnlyList<string> List(string folder) => _inner.List(folder);

    private sealed class Watched : IStoreFile
    {
        private readonly WatchedFiles _files;
        private readonly string _path;
        private readonly IStoreFile _inner;
        private int _isDisposed;

        public Watched(WatchedFiles files, string path, IStoreFile inner)
        {
            (_files, _path, _inner) = (files, path, inner);
            files.OpenNow.AddOrUpdate(path, 1, static (_, count) => count + 1);
        }

        public long Length => _inner.Length;

        public long AllocatedBytes => _inner.AllocatedBytes;

        public int Read(long offset, Span<byte> buffer)
        {
            Interlocked.Increment(ref _files._reads);
            _files.WaitedOn.Enqueue(Thread.CurrentThread.Name ?? "");
            _files.Gate.Wait();
            return _inner.Read(offset, buffer);
        }

        public int TryReadNow(long offset, Span<byte> buffer)
        {
            Interlocked.Increment(ref _files._reads);
            if (_files.ReadableNow is not { } limit)
                return _inner.Read(offset, buffer);
            return limit == 0 ? -1 : _inner.Read(offset, buffer[..Math.Min(limit, buffer.Length)]);
        }

        public void Write(long offset, ReadOnlySpan<byte> content) => _inner.Write(offset, content);

        public void Write(long offset, IReadOnlyList<ReadOnlyMemory<byte>> content) => _inner.Write(offset, content);

        public void Sync()
        {
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
                _files.OpenNow.AddOrUpdate(_path, 0, static (_, count) => count - 1);
            _inner.Dispose();
        }
    }
}
