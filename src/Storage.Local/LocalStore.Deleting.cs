using EdgeCache.Storage.Local.Index;
using EdgeCache.Storage.Local.Segments;

namespace EdgeCache.Storage.Local;

/// <content>How blobs are deleted, and marked as superseded.</content>
public sealed partial class LocalStore
{
    /// <inheritdoc/>
    public async ValueTask<Outcome<BlobMetadata>> DeleteAsync(BlobKey key, BlobCondition? condition, CancellationToken cancellationToken)
    {
        if (!TryAddWriter())
            return Outcome<BlobMetadata>.Fail(StoreStatus.Unavailable, "The store is closing.");
        try
        {
            if (!await IsKnownAsync(cancellationToken).ConfigureAwait(false))
                return Outcome<BlobMetadata>.Fail(StoreStatus.Unavailable, NotYetKnown);
            using var held = await _keyLocks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
            var current = FindIntact(key);
            if (condition?.Holds(current?.Metadata) == false)
                return StoreStatus.PreconditionFailed;
            _generations.Advance(key);
            if (current is not { } found)
            {
                await _disk.RunAsync(() => RemoveExpired(key)).ConfigureAwait(false);
                // It may be missing because of a mark that is not durable yet: "missing" is an answer that a crash must not take back.
                await _disk.RunAsync(SyncAllMarks).ConfigureAwait(false);
                return StoreStatus.Missing;
            }
            await _disk.RunAsync(() => Remove(found.Entry)).ConfigureAwait(false);
            _generations.Advance(key);
            return found.Metadata;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            OnWriteFault(error);
            return Outcome<BlobMetadata>.Fail(StoreStatus.Unavailable, "The disk could not make the removal durable.");
        }
        finally
        {
            RemoveWriter();
        }
    }

    /// <summary>The file of a large blob; null for a small one, or where the record can't say.</summary>
    private string? PathOfFile(in IndexEntry entry) =>
        entry.IsLarge && RecordReader.ReadMetadata(_segments, entry, out var header, out _) == RecordVerdict.Good ? _layout.BlobPath(entry.Hash, header.Generation) : null;

    private void MarkDead(in IndexEntry entry)
    {
        try
        {
            _segments.Find(entry.Segment)?.MarkDead(entry.ByteOffset);
        }
        catch (ObjectDisposedException)
        {
            // Reclaimed in this instant: there is nothing left to mark.
        }
    }

    private void MarkDeadForGood(in IndexEntry entry)
    {
        MarkDead(entry);
        try
        {
            _segments.Find(entry.Segment)?.SyncMarks();
        }
        catch (ObjectDisposedException)
        {
            // Its segment has been removed for good in this instant.
        }
    }

    private bool SyncAllMarks()
    {
        _segments.SyncAllMarks();
        return true;
    }

    /// <summary>Deletes for good: the synced mark is the deletion.</summary>
    private bool Remove(IndexEntry entry)
    {
        var file = PathOfFile(entry);
        // A write of this key that failed may have left a record that says it is newer than the one that is marked now.
        _segments.EraseStrays();
        MarkDeadForGood(entry);
        if (file is not null)
            _files.Delete(file);
        if (_index.Remove(entry.Hash, entry.Segment, entry.Offset, out var removed))
            Release(removed);
        return true;
    }
}
