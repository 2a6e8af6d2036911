using System.Buffers;
using EdgeCache.Codecs.Frames;
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

    /// <summary>A blob was stored as it is, to be compressed later.</summary>
    internal void Defer(BlobKey key) => Compression.Deferred.Add(DeferredCompressor.DueAfterRest(HashOf(key), _time));

    /// <summary>Stores a blob compressed that is stored as it is, where that is worth it.</summary>
    /// <param name="hash">Of its key.</param>
    /// <param name="waitForTime">Called before every mebibyte, to wait until there is time for it.</param>
    /// <param name="cancellationToken">Ends it; the blob stays as it is.</param>
    internal async Task<DeferredResult> CompressStoredAsync(KeyHash hash, Func<CancellationToken, Task> waitForTime, CancellationToken cancellationToken)
    {
        if (!_index.TryGet(hash, out var entry) || !IsServable(entry))
            return DeferredResult.Dropped;
        var stored = await RunReadAsync(() => RecordReader.ReadMetadata(_segments, entry, out _, out var read) == RecordVerdict.Good ? read : null, cancellationToken).ConfigureAwait(false);
        if (stored is not { Coding.Length: 0 })
            return DeferredResult.Dropped;
        if (IsPinned(stored.Key) || !HasRoomBeside(stored, entry))
            return DeferredResult.NotNow;
        var reader = await RunReadAsync(() => OpenCurrent(stored.Key, keep: false), cancellationToken).ConfigureAwait(false);
        if (reader is null)
            return DeferredResult.Dropped;
        await using (reader.ConfigureAwait(false))
        {
            if (reader.Metadata.Generation != stored.Generation || OpenRewriter(stored, out var isPossible) is not { } writer)
                return DeferredResult.Dropped;
            await using (writer.ConfigureAwait(false))
            {
                if (!isPossible)
                    return DeferredResult.NotNow;
                var status = await RewriteAsync(reader, writer, waitForTime, cancellationToken).ConfigureAwait(false);
                if (status == StoreStatus.DigestMismatch)
                    await DropIfDamagedAsync(entry, stored, cancellationToken).ConfigureAwait(false);
                return status == StoreStatus.Ok ? DeferredResult.Done : DeferredResult.Dropped;
            }
        }
    }

    /// <summary>Null when the store is closing.</summary>
    private LocalBlobWriter? OpenRewriter(BlobMetadata stored, out bool isPossible)
    {
        isPossible = false;
        if (!TryAddWriter())
            return null;
        LocalBlobWriter? writer = null;
        try
        {
            return writer = LocalBlobWriter.ToRewrite(this, stored, out isPossible);
        }
        finally
        {
            if (writer is null)
                RemoveWriter();
        }
    }

    /// <summary>Writes the blob again. <see cref="StoreStatus.Exists"/> when it is as small as it gets.</summary>
    private async Task<StoreStatus> RewriteAsync(IBlobReader reader, LocalBlobWriter writer, Func<CancellationToken, Task> waitForTime, CancellationToken cancellationToken)
    {
        var (key, length) = (reader.Metadata.Key, reader.Metadata.Length);
        var buffer = ArrayPool<byte>.Shared.Rent(RewriteBufferLength);
        try
        {
            for (var offset = 0L; offset < length && writer.IsCoding;)
            {
                if (offset % SeekTable.FrameContentLength == 0)
                    await waitForTime(cancellationToken).ConfigureAwait(false);
                var read = await reader.ReadAsync(offset, buffer.AsMemory(0, RewriteBufferLength), cancellationToken).ConfigureAwait(false);
                // The end says that it is too short.
                if (read == 0)
                    break;
                if (await writer.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false) is var status && status != StoreStatus.Ok)
                    return status;
                offset += read;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        if (!writer.IsCoding)
        {
            // The namespace's next ones are to be judged by it too.
            Compression.Chooser.Note(key.Namespace, writer.Choice, length, length);
            return StoreStatus.Exists;
        }
        var content = writer.EndContent();
        if (!content.IsOk || !writer.IsCoding)
            return content.IsOk ? StoreStatus.Exists : content.Status;
        return (await writer.CommitAsync(cancellationToken).ConfigureAwait(false)).Status;
    }

    /// <summary>What was read is not what was written, although its blocks were believed: they are held against their checksums now.</summary>
    private async Task DropIfDamagedAsync(IndexEntry entry, BlobMetadata stored, CancellationToken cancellationToken)
    {
        var finding = await _reads.QueueAsync(() => CheckEqual(entry, stored), cancellationToken).ConfigureAwait(false);
        if (finding.Verdict == RecordVerdict.Damaged)
            await DropDamagedAsync(entry, finding).ConfigureAwait(false);
    }

    /// <summary>Whether both can be there for a moment without anything being evicted for it.</summary>
    private bool HasRoomBeside(BlobMetadata stored, in IndexEntry entry)
    {
        var bytes = LocalBlobWriter.SpaceFor(BlobHeader.Measure(stored), stored.PayloadLength, stored.Length);
        var quota = LimitsOf(stored.Key, out _).QuotaBytes;
        return _space.Taken + bytes <= _options.MaxBytes * Reclaimer.HighMark && (quota == long.MaxValue || _index.BytesOf(entry.NamespaceId) + bytes <= quota * QuotaGate.HighMark);
    }

    /// <summary>Whether a key still has what was read of it, and it may be replaced; null then. To be called under the key's lock.</summary>
    private Outcome<PutReceipt>? JudgeRewrite(BlobMetadata source, out IndexEntry entry, out BlobMetadata? current)
    {
        (entry, current) = FindIntact(source.Key) is var (found, metadata) ? (found, metadata) : (default, null);
        return current is not null && current.Generation == source.Generation && !IsPinned(source.Key) ? null : StoreStatus.Superseded;
    }
}
