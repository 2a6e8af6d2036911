using EdgeCache.Storage.Local.Files;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>The real store on a disk that forgets one kind of sync: the matrix must see that each is needed, else it would not see it missing.</summary>
public sealed class EngineMutantTests
{
    [Theory]
    [InlineData(nameof(Mutation.NoSegmentSync), "small", false)]
    [InlineData(nameof(Mutation.NoSegmentSync), "small", true)]
    [InlineData(nameof(Mutation.NoFolderSync), "small", false)]
    [InlineData(nameof(Mutation.NoFolderSync), "large", true)]
    [InlineData(nameof(Mutation.NoBlobFolderSync), "large", false)]
    [InlineData(nameof(Mutation.NoBlobFileSync), "large", false)]
    [InlineData(nameof(Mutation.NoMarkSync), "last deleted", true)]
    [InlineData(nameof(Mutation.NoMarkSync), "small", true)]
    public async Task A_store_that_lacks_a_sync_is_found_by_crashes(string mutation, string scenario, bool forgetIndex)
    {
        var which = Enum.Parse<Mutation>(mutation);
        var report = await EngineCrashTests.Matrix(scenario, forgetIndex, files => new ForgetfulFiles(files, which)).RunAsync();
        report.Failures.ShouldNotBeEmpty();
    }

    [Fact]
    public async Task A_store_that_does_not_erase_what_a_failed_write_left_is_found_by_failures()
    {
        var report = await EngineCrashTests.Matrix("failed and deleted", true, files => new ForgetfulFiles(files, Mutation.NoErasing), Simulation.FaultKind.IoError).RunAsync();
        report.Failures.ShouldNotBeEmpty();
    }

    internal enum Mutation
    {
        NoSegmentSync,
        NoFolderSync,
        NoBlobFolderSync,
        NoBlobFileSync,

        /// <summary>A segment to which nothing was appended since its last sync is not synced: there are only marks.</summary>
        NoMarkSync,

        /// <summary>The letters of a record are not overwritten with zeros.</summary>
        NoErasing,
    }

    private sealed class ForgetfulFiles(IFileSystem inner, Mutation mutation) : IFileSystem
    {
        public long FreeBytes => inner.FreeBytes;

        public IStoreFile Create(string path) => Wrap(path, inner.Create(path));

        public IStoreFile Open(string path, bool writable) => Wrap(path, inner.Open(path, writable));

        public void Rename(string from, string to) => inner.Rename(from, to);

        public void Delete(string path) => inner.Delete(path);

        public void SyncFolder(string path)
        {
            if (mutation == Mutation.NoFolderSync || (mutation == Mutation.NoBlobFolderSync && path.Contains("/blobs/", StringComparison.Ordinal)))
                return;
            inner.SyncFolder(path);
        }

        public bool Exists(string path) => inner.Exists(path);

        public IReadOnlyList<string> List(string folder) => inner.List(folder);

        private ForgetfulFile Wrap(string path, IStoreFile file) => new(file, path, mutation);
    }

    private sealed class ForgetfulFile(IStoreFile inner, string path, Mutation mutation) : IStoreFile
    {
        private readonly bool _isSegment = path.EndsWith(".seg", StringComparison.Ordinal);
        private bool _hasGrown;

        public long Length => inner.Length;

        public long AllocatedBytes => inner.AllocatedBytes;

        public int Read(long offset, Span<byte> buffer) => inner.Read(offset, buffer);

        public void Write(long offset, ReadOnlySpan<byte> content)
        {
            if (mutation == Mutation.NoErasing && _isSegment && content.Length == 8)
                return;
            // A mark is the only thing of one byte.
            _hasGrown |= content.Length > 1;
            inner.Write(offset, content);
        }

        public void Write(long offset, IReadOnlyList<ReadOnlyMemory<byte>> content)
        {
            _hasGrown = true;
            inner.Write(offset, content);
        }

        public void Sync()
        {
            var forgets = mutation switch
            {
                Mutation.NoSegmentSync => _isSegment,
                Mutation.NoBlobFileSync => path.Contains("/tmp/", StringComparison.Ordinal) && path.EndsWith(".part", StringComparison.Ordinal),
                Mutation.NoMarkSync => _isSegment && !_hasGrown,
                _ => false,
            };
            _hasGrown = false;
            if (!forgets)
                inner.Sync();
        }

        public void Dispose() => inner.Dispose();
    }
}
