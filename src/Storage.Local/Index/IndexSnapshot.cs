using EdgeCache.Storage.Local.Files;

namespace EdgeCache.Storage.Local.Index;

/// <summary>
/// Saves the index to a file and brings it back, so that a start replays only the end of the log. A snapshot is a help and never the truth: one that
/// is damaged in any way is none, and the index is rebuilt from the segments.
/// </summary>
/// <remarks>
/// The index goes on changing while it is written; only one shard at a time is copied, under its lock. So an entry may be newer than the positions in
/// the header. That is right, key by key: replay applies, in the log's order, every set and remove from the positions on. If there is one for a key,
/// the last one decides, whatever the snapshot had; if there is none, the key has not changed since the positions, and the snapshot has it as it was.
/// Applying what is in the snapshot already changes nothing. Which holds as long as the log keeps to this:
/// <list type="number">
/// <item>A record before its segment's position is applied to the index before the header is made, and the positions of all segments are of one moment
/// at which no record is being moved. (A move that began before and ends after could bring back what it had copied over a newer entry or a removal.)</item>
/// <item>The log's order is one over all its segments: by generation, and a record that is moved keeps its own. At equal generations either copy is
/// good while its segment is there; prefer the later one.</item>
/// <item>A segment with records from the position on is deleted only after a newer snapshot is durable, or when none of its records, removals included,
/// is needed any more. Entries that after replay point to a segment that is gone are dropped.</item>
/// <item>Segment ids are never used again.</item>
/// </list>
/// Frequencies and ticks are not in the log; they are as of the snapshot.
/// </remarks>
internal static class IndexSnapshot
{
    private const string TemporaryExtension = ".new";

    /// <summary>Writes a snapshot, durably and in one step: when this fails, the file is that of before or the new one, whole. One call at a time for a path.</summary>
    /// <param name="files">The file system.</param>
    /// <param name="path">The snapshot's file.</param>
    /// <param name="index">The index, in use by whomever.</param>
    /// <param name="header">The log's state, taken before this call.</param>
    /// <param name="makeLogDurable">
    /// Called when the last shard has been copied: makes every record durable that the index pointed to by then. Otherwise, after a loss of power, an entry
    /// could point behind the end of its segment, where later another record comes to be.
    /// </param>
    /// <exception cref="IOException">The disk refuses, or a sync failed.</exception>
    public static void Write(IFileSystem files, string path, BlobIndex index, SnapshotHeader header, Action makeLogDurable)
    {
        var temporary = path + TemporaryExtension;
        // One may be left from a process that was killed.
        files.Delete(temporary);
        try
        {
            using (var file = files.Create(temporary))
            {
                WriteTo(file, index, header);
                makeLogDurable();
                file.Sync();
            }
            files.Rename(temporary, path);
        }
        catch
        {
            TryDelete(files, temporary);
            throw;
        }
        files.SyncFolder(Path.GetDirectoryName(path)!);
    }

    /// <summary>Reads a snapshot into a new index.</summary>
    /// <param name="files">The file system.</param>
    /// <param name="path">The snapshot's file.</param>
    /// <param name="storeId">The store that it must belong to.</param>
    /// <param name="fault">What is wrong with the one that is there, as one sentence for a log.</param>
    /// <returns>Null when there is none, or none that can be believed.</returns>
    public static (SnapshotHeader Header, BlobIndex Index)? TryRead(IFileSystem files, string path, Guid storeId, out string? fault)
    {
        fault = null;
        try
        {
            using var file = files.Open(path, writable: false);
            using var reader = new SnapshotReader(file);
            return reader.Read(storeId);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
        catch (Exception error) when (error is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            fault = error.Message;
            return null;
        }
    }

    private static void WriteTo(IStoreFile file, BlobIndex index, SnapshotHeader header)
    {
        using var writer = new SnapshotWriter(file);
        writer.WriteHeader(header);
        for (var shard = 0; shard < BlobIndex.ShardCount; shard++)
        {
            using var copy = index.CopyShard(shard);
            writer.WriteShard(shard, WithKnownNamespace(copy.Entries, header));
        }
        writer.WriteTrailer();
    }

    /// <summary>
    /// Leaves out entries of a namespace that got its id after the header was made: every record of such a key is after the positions, so replay brings it.
    /// </summary>
    private static ReadOnlySpan<IndexEntry> WithKnownNamespace(Span<IndexEntry> entries, SnapshotHeader header)
    {
        var kept = 0;
        foreach (ref readonly var entry in entries)
        {
            if (header.Namespaces.ContainsKey(entry.NamespaceId))
                entries[kept++] = entry;
        }
        return entries[..kept];
    }

    private static void TryDelete(IFileSystem files, string path)
    {
        try
        {
            files.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The failure that is on its way says more; the next snapshot deletes it.
        }
    }
}
