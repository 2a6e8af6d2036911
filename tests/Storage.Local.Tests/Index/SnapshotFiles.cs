using EdgeCache.Storage.Local.Files;

namespace EdgeCache.Storage.Local.Tests.Index;

/// <summary>Files in memory that note the order of what was done to them, and fail one call if asked to.</summary>
internal sealed class SnapshotFiles : IFileSystem
{
    public Dictionary<string, MemoryStream> Files { get; } = [];

    public List<string> Calls { get; } = [];

    /// <summary>The call to fail, as it is in <see cref="Calls"/>.</summary>
    public string? Failing { get; set; }

    public long FreeBytes => long.MaxValue;

    public void Note(string call)
    {
        if (Calls.LastOrDefault() != call)
            Calls.Add(call);
        if (call == Failing)
            throw new IOException("failed as asked");
    }

    public IStoreFile Create(string path)
    {
        Note($"create {path}");
        Files.Add(path, new MemoryStream());
        return new MemoryFile(this, path);
    }

    public IStoreFile Open(string path, bool writable) => Exists(path) ? new MemoryFile(this, path) : throw new FileNotFoundException(path);

    public void Rename(string from, string to)
    {
        Note($"rename {from} {to}");
        Files[to] = Files[from];
        Files.Remove(from);
    }

    public void Delete(string path) => Files.Remove(path);

    public void SyncFolder(string path) => Note($"sync {path}");

    public bool Exists(string path) => Files.ContainsKey(path);

    public IReadOnlyList<string> List(string folder) => [.. Files.Keys.Select(f => Path.GetFileName(f))];

    private sealed class MemoryFile(SnapshotFiles owner, string path) : IStoreFile
    {
        private readonly MemoryStream _content = owner.Files[path];

        public long Length => _content.Length;

        public long AllocatedBytes => _content.Length;

        public int Read(long offset, Span<byte> buffer)
        {
            _content.Position = offset;
            return _content.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        }

        public void Write(long offset, ReadOnlySpan<byte> content)
        {
            owner.Note($"write {path}");
            _content.Position = offset;
            _content.Write(content);
        }

        public void Write(long offset, IReadOnlyList<ReadOnlyMemory<byte>> content) => throw new NotSupportedException();

        public void Sync() => owner.Note($"sync {path}");

        public void Dispose()
        {
            // The content stays in the file system.
        }
    }
}
