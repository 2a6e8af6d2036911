using EdgeCache.Storage.Local.Files;
using EdgeCache.Storage.Local.Tests.Simulation;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>What a store is made to leave out.</summary>
internal enum Mutation
{
    /// <summary>Records that were appended are not synced.</summary>
    NoRecordSync,

    /// <summary>A segment to which nothing was appended since its last sync is not synced: there are only marks.</summary>
    NoMarkSync,

    /// <summary>A segment in which records of failed writes were erased is not synced.</summary>
    NoEraseSync,

    /// <summary>The header of a new segment is not synced by itself.</summary>
    NoHeaderSync,

    /// <summary>The folder is not synced when it has a new segment.</summary>
    NoSegmentNameSync,

    /// <summary>The folder is not synced when a segment was removed.</summary>
    NoSegmentRemovalSync,

    /// <summary>The file of a large blob is not synced.</summary>
    NoBlobFileSync,

    /// <summary>The folder is not synced when the file of a large blob has got its name.</summary>
    NoBlobFolderSync,

    /// <summary>The snapshot of the index is not synced.</summary>
    NoSnapshotSync,

    /// <summary>The folder is not synced when the snapshot has got its name.</summary>
    NoSnapshotNameSync,

    /// <summary>Syncs that fail are taken for good.</summary>
    FailedSyncsIgnored,
}

/// <summary>A disk for a store that lacks something.</summary>
internal sealed class ForgetfulFiles(IFileSystem inner, Mutation mutation) : IFileSystem
{
    private bool _hasRemovedSegment;

    public long FreeBytes => inner.FreeBytes;

    public IStoreFile Create(string path) => new ForgetfulFile(inner.Create(path), path, mutation);

    public IStoreFile Open(string path, bool writable) => new ForgetfulFile(inner.Open(path, writable), path, mutation);

    public void Rename(string from, string to) => inner.Rename(from, to);

    public void Delete(string path)
    {
        _hasRemovedSegment |= path.EndsWith(".seg", StringComparison.Ordinal);
        inner.Delete(path);
    }

    public void SyncFolder(string path)
    {
        var isSegments = path == EngineRun.Layout.Segments;
        var forgets = mutation switch
        {
            Mutation.NoSegmentNameSync => isSegments && !_hasRemovedSegment,
            Mutation.NoSegmentRemovalSync => isSegments && _hasRemovedSegment,
            Mutation.NoBlobFolderSync => path.Contains("/blobs/", StringComparison.Ordinal),
            Mutation.NoSnapshotNameSync => path == EngineRun.Layout.Root,
            _ => false,
        };
        _hasRemovedSegment &= !isSegments;
        if (!forgets)
            Try(() => inner.SyncFolder(path), mutation);
    }

    public bool Exists(string path) => inner.Exists(path);

    public IReadOnlyList<string> List(string folder) => inner.List(folder);

    private static void Try(Action sync, Mutation mutation)
    {
        try
        {
            sync();
        }
        catch (IOException error) when (mutation == Mutation.FailedSyncsIgnored && error is not SimulatedCrashException)
        {
            // That is the mutation.
        }
    }

    private sealed class ForgetfulFile(IStoreFile inner, string path, Mutation mutation) : IStoreFile
    {
        private const int HeaderLength = Segments.Segment.HeaderLength;
        private const int EraseLength = Segments.RecordFormat.Alignment;
        private readonly bool _isSegment = path.EndsWith(".seg", StringComparison.Ordinal);

        // What was written since the last sync, known by how it is written.
        private bool _hasRecords;
        private bool _hasHeader;
        private bool _hasErased;

        public long Length => inner.Length;

        public long AllocatedBytes => inner.AllocatedBytes;

        public int Read(long offset, Span<byte> buffer) => inner.Read(offset, buffer);

        public void Write(long offset, ReadOnlySpan<byte> content)
        {
            _hasHeader |= offset == 0 && content.Length == HeaderLength;
            _hasErased |= offset > 0 && content.Length is > 1 and <= EraseLength;
            inner.Write(offset, content);
        }

        public void Write(long offset, IReadOnlyList<ReadOnlyMemory<byte>> content)
        {
            _hasRecords = true;
            inner.Write(offset, content);
        }

        public void Sync()
        {
            var forgets = mutation switch
            {
                Mutation.NoRecordSync => _isSegment && _hasRecords,
                Mutation.NoHeaderSync => _isSegment && _hasHeader && !_hasRecords,
                Mutation.NoEraseSync => _isSegment && _hasErased,
                Mutation.NoMarkSync => _isSegment && !_hasRecords && !_hasHeader && !_hasErased,
                Mutation.NoBlobFileSync => path.EndsWith(".part", StringComparison.Ordinal),
                Mutation.NoSnapshotSync => path.StartsWith(EngineRun.Layout.Snapshot, StringComparison.Ordinal),
                _ => false,
            };
            _hasRecords = _hasHeader = _hasErased = false;
            if (!forgets)
                Try(inner.Sync, mutation);
        }

        public void Dispose() => inner.Dispose();
    }
}
