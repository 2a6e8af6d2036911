using System.Collections.Concurrent;
using EdgeCache.Storage.Local.Format;
using EdgeCache.Storage.Local.Index;
using EdgeCache.Storage.Local.Segments;

namespace EdgeCache.Storage.Local;

/// <content>What namespaces may hold, and for how long.</content>
public sealed partial class LocalStore
{
    private readonly NamespaceLimitTable _limits;
    private readonly QuotaGate _gate;
    private readonly EvictionCounts _evictions = new();

    /// <summary>Evicted blobs whose files are not gone yet: where, and what the index had, unless that is accounted for. Only the sweeper's evictions use it.</summary>
    private readonly ConcurrentQueue<(string? Path, IndexEntry? Entry)> _leaving = new();
    private NamespaceSweeper? _sweeper;

    /// <summary>Largest space that a blob of the namespace may take, in bytes.</summary>
    internal long QuotaOf(BlobKey key) => LimitsOf(key, out _).QuotaBytes;

    /// <summary>For tests: where a key's blob is.</summary>
    internal IndexEntry? Entry(BlobKey key) => _index.TryGet(HashOf(key), out var entry) ? entry : null;

    /// <summary>Publishes a finished blob, once there is room for it in its namespace.</summary>
    internal async ValueTask<Outcome<PutReceipt>> PublishWithinQuotaAsync(LocalBlobWriter writer, BlobMetadata metadata, PutOptions options, CancellationToken cancellationToken)
    {
        var quota = LimitsOf(metadata.Key, out var id).QuotaBytes;
        if (quota == long.MaxValue)
            return await PublishAsync(writer, metadata, options, null, cancellationToken).ConfigureAwait(false);
        var bytes = LocalBlobWriter.SpaceFor(BlobHeader.Measure(metadata), metadata.PayloadLength, metadata.Length);
        if (bytes > quota)
            return Outcome<PutReceipt>.Fail(StoreStatus.NoSpace, BeyondQuota(metadata.Key, bytes, quota));
        // What a namespace takes is known when the index is complete.
        if (!await IsKnownAsync(cancellationToken).ConfigureAwait(false))
            return Outcome<PutReceipt>.Fail(StoreStatus.Unavailable, NotYetKnown);
        if (!await _gate.TryEnterAsync(id, quota, bytes, cancellationToken).ConfigureAwait(false))
            return Outcome<PutReceipt>.Fail(StoreStatus.NoSpace, NoRoomWithin(metadata.Key));
        var hold = new QuotaHold(_gate, id, quota, bytes);
        try
        {
            return await PublishAsync(writer, metadata, options, hold, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            hold.Dispose();
        }
    }

    /// <summary>What one write holds of its namespace's quota: at first what its file is expected to take, then what it takes.</summary>
    private sealed class QuotaHold(QuotaGate gate, ushort id, long quota, long held) : IDisposable
    {
        private long _held = held;

        /// <summary>Has room for so many bytes in all; false when there is none in time.</summary>
        public async ValueTask<bool> TryHoldAsync(long bytes, CancellationToken cancellationToken)
        {
            if (bytes <= _held)
                return true;
            if (!await gate.TryGrowAsync(id, quota, _held, bytes - _held, cancellationToken).ConfigureAwait(false))
                return false;
            _held = bytes;
            return true;
        }

        public void Dispose() => gate.Leave(id, _held);
    }

    /// <summary>The answer to a write that would not fit even into the empty namespace; null when it would, or when its length is not known.</summary>
    private Outcome<IBlobWriter>? CheckQuota(BlobMetadata draft, long? length)
    {
        var quota = QuotaOf(draft.Key);
        if (quota == long.MaxValue || length is not { } known)
            return null;
        var bytes = LocalBlobWriter.SpaceFor(BlobHeader.Measure(draft), known, known);
        if (bytes <= quota)
            return null;
        return Outcome<IBlobWriter>.Fail(StoreStatus.NoSpace, BeyondQuota(draft.Key, bytes, quota));
    }

    private static string BeyondQuota(BlobKey key, long bytes, long quota) => $"It takes {bytes} bytes of disk; the whole namespace {key.Namespace} may take {quota}.";

    private static string NoRoomWithin(BlobKey key) => $"The namespace {key.Namespace} is full, and nothing could be evicted in time.";

    private NamespaceLimits LimitsOf(BlobKey key, out ushort id)
    {
        id = _namespaces.IdOf(key.Namespace);
        return _limits.Of(id, key.Namespace);
    }

    /// <summary>Whether a blob has been kept for long enough: whatever is still stored of it, it is missing. One that is pinned is kept for as long as it is.</summary>
    private bool IsExpired(BlobKey key, DateTimeOffset created, ushort namespaceId) =>
        _limits.Of(namespaceId, key.Namespace).Retention is { } keep && _time.GetUtcNow() - created >= keep && !IsPinned(key);

    private bool IsExpired(BlobMetadata metadata, ushort namespaceId) => IsExpired(metadata.Key, metadata.Created, namespaceId);

    /// <summary>Deletes a blob that is missing only because it is too old, so that longer limits do not bring it back after a deletion. Under the key's lock.</summary>
    private bool RemoveExpired(BlobKey key)
    {
        if (_index.TryGet(HashOf(key), out var entry) && RecordReader.ReadMetadata(_segments, entry, out _, out var metadata) == RecordVerdict.Good
            && metadata!.Key == key && IsExpired(metadata, entry.NamespaceId))
        {
            Remove(entry);
        }
        return true;
    }

    /// <summary>
    /// Evicts blobs that were chosen by the index, and has freed their space when it ends. Each is marked dead under its key's lock; the marks are synced together, and
    /// only then the files of large blobs go: a record without its file says nothing, and an older one of the key would count again. A small blob that a crash brings
    /// back was never deleted by anybody, and is whole; if it is too old, it is still missing.
    /// </summary>
    /// <returns>Whether all of it may go: none that has to is pinned.</returns>
    internal async Task<bool> EvictAllAsync(List<IndexEntry> chosen, EvictionReason reason)
    {
        Exception? fault = null;
        var pinned = 0;
        await Parallel.ForEachAsync(chosen, Limits, async (entry, _) =>
        {
            try
            {
                if (!await EvictAsync(entry, reason).ConfigureAwait(false))
                    Interlocked.Increment(ref pinned);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // One that the disk can't read or mark must not keep the others.
                fault = error;
            }
        }).ConfigureAwait(false);
        await _disk.RunAsync(FinishEvictions).ConfigureAwait(false);
        if (fault is not null)
            throw new IOException($"Some blobs could not be evicted: {fault.Message}", fault);
        return pinned == 0;
    }

    /// <summary>Evicts one. False when it has to stay because it is pinned.</summary>
    private async ValueTask<bool> EvictAsync(IndexEntry seen, EvictionReason reason)
    {
        var verdict = RecordReader.ReadMetadata(_segments, seen, out var header, out var metadata);
        if (verdict == RecordVerdict.Damaged)
            DropDamaged(seen);
        // Deleted before a crash, after the index was written down: as long as it is in the index, its namespace seems to have it.
        if (verdict == RecordVerdict.Gone)
            DropIfStale(seen);
        if (verdict != RecordVerdict.Good)
            return true;
        using var held = await _keyLocks.EnterAsync(metadata!.Key, CancellationToken.None).ConfigureAwait(false);
        if (!_index.TryGet(seen.Hash, out var entry) || !entry.IsAt(seen.Segment, seen.Offset))
            return true;
        // The index has whole seconds, and somebody may have asked for it since.
        if (reason == EvictionReason.Age ? !IsExpired(metadata, entry.NamespaceId) : entry.Frequency > seen.Frequency)
            return true;
        if (reason == EvictionReason.Quota && IsPinned(metadata.Key))
        {
            _index.TryUpdate(entry.Hash, entry.Segment, entry.Offset, default(CountPinned));
            return false;
        }
        MarkDead(entry);
        // A reader that saw the mark may have taken it out and accounted for it; the file is left to this all the same.
        var isHere = _index.Remove(entry.Hash, entry.Segment, entry.Offset, out _);
        _evictions.Add(entry.NamespaceId, reason);
        if (reason == EvictionReason.Quota)
            _ghosts.Add(entry.Hash);
        _leaving.Enqueue((entry.IsLarge ? _layout.BlobPath(entry.Hash, header.Generation) : null, isHere ? entry : null));
        return true;
    }

    private bool FinishEvictions()
    {
        if (_leaving.IsEmpty)
            return true;
        _segments.SyncAllMarks();
        Exception? fault = null;
        for (var left = _leaving.Count; left > 0 && _leaving.TryDequeue(out var next); left--)
        {
            try
            {
                if (next.Path is not null)
                    _files.Delete(next.Path);
                if (next.Entry is { } entry)
                    Release(entry);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // For the next time: its space is taken as long as its file is there. It must not keep the others.
                _leaving.Enqueue(next);
                fault = error;
            }
        }
        return fault is null ? true : throw new IOException($"Some files of evicted blobs could not be removed: {fault.Message}", fault);
    }

    private List<NamespaceUsage> ListUsage() =>
        [.. _namespaces.List().Select(n => new NamespaceUsage(
            n.Key, _index.BytesOf(n.Value), _evictions[n.Value, EvictionReason.Capacity], _evictions[n.Value, EvictionReason.Quota], _evictions[n.Value, EvictionReason.Age]))];
}
