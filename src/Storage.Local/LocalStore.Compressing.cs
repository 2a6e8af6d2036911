using System.Buffers;
using EdgeCache.Storage.Local.Compressing;
using EdgeCache.Storage.Local.Format;
using EdgeCache.Storage.Local.Index;
using EdgeCache.Storage.Local.Segments;

namespace EdgeCache.Storage.Local;

/// <content>How blobs are compressed that were stored as they are, because they came faster than they could have been.</content>
/// <remarks>
/// It is a replacement like any other, of a blob by itself: the old one is there until the new one is synced, the new one has a larger generation, and who reads the old one goes on. Under the
/// key's lock it is looked once more whether the key still has what was read: what was written, deleted or evicted meanwhile stays so.
/// </remarks>
public sealed partial class LocalStore
{
    private const int RewriteBufferLength = 128 * 1024;

    private DeferredCompressor? _deferred;

    /// <summary>A blob was stored as it is for now.</summary>
    internal void Defer(BlobKey key) => Compression.Deferred.Add(DeferredCompressor.DueAfterRest(HashOf(key), _time));

    /// <summary>Stores a blob compressed that is stored as it is, where that is worth it.</summary>
    internal async Task<DeferredResult> CompressStoredAsync(KeyHash hash, CancellationToken cancellationToken)
    {
        if (!_index.TryGet(hash, out var entry) || !IsServable(entry))
            return DeferredResult.Dropped;
        var stored = await RunReadAsync(() => RecordReader.ReadMetadata(_segments, entry, out _, out var read) == RecordVerdict.Good ? read : null, cancellationToken).ConfigureAwait(false);
        if (stored is not { Coding.Length: 0 } || !HasRoomBeside(stored, entry))
            return DeferredResult.Dropped;
        if (IsPinned(stored.Key))
            return DeferredResult.NotNow;
        var reader = await RunReadAsync(() => OpenCurrent(stored.Key, keep: false), cancellationToken).ConfigureAwait(false);
        if (reader is null)
            return DeferredResult.Dropped;
        await using (reader.ConfigureAwait(false))
        {
            return reader.Metadata.Generation == stored.Generation && TryAddWriter() ? await RewriteAsync(reader, cancellationToken).ConfigureAwait(false) : DeferredResult.Dropped;
        }
    }

    private async Task<DeferredResult> RewriteAsync(IBlobReader reader, CancellationToken cancellationToken)
    {
        var writer = LocalBlobWriter.ToRewrite(this, reader.Metadata, out var isPossible);
        await using (writer.ConfigureAwait(false))
        {
            if (!isPossible)
                return DeferredResult.NotNow;
            var buffer = ArrayPool<byte>.Shared.Rent(RewriteBufferLength);
            try
            {
                for (var offset = 0L; offset < reader.Metadata.Length && writer.IsCoding;)
                {
                    var read = await reader.ReadAsync(offset, buffer, cancellationToken).ConfigureAwait(false);
                    // The commit says that it is too short.
                    if (read == 0)
                        break;
                    if (await writer.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false) != StoreStatus.Ok)
                        return DeferredResult.Dropped;
                    offset += read;
                }
                return writer.IsCoding && writer.EndContent().IsOk && writer.IsCoding && (await writer.CommitAsync(cancellationToken).ConfigureAwait(false)).IsOk
                    ? DeferredResult.Done
                    : DeferredResult.Dropped;
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }

    /// <summary>Whether both can be there for a moment without anything being evicted for it.</summary>
    private bool HasRoomBeside(BlobMetadata stored, in IndexEntry entry)
    {
        var bytes = LocalBlobWriter.SpaceFor(BlobHeader.Measure(stored), stored.PayloadLength, stored.Length);
        var quota = LimitsOf(stored.Key, out _).QuotaBytes;
        return _space.Taken + bytes <= _options.MaxBytes && (quota == long.MaxValue || _index.BytesOf(entry.NamespaceId) + bytes <= quota);
    }

    /// <summary>Whether a key still has what was read of it, and it may be replaced; null then. To be called under the key's lock.</summary>
    private Outcome<PutReceipt>? JudgeRewrite(BlobMetadata source, out IndexEntry entry, out BlobMetadata? current)
    {
        (entry, current) = FindIntact(source.Key) is var (found, metadata) ? (found, metadata) : (default, null);
        return current is not null && current.Generation == source.Generation && !IsPinned(source.Key) ? null : StoreStatus.Superseded;
    }
}
