using EdgeCache.Storage.Local.Index;
using EdgeCache.Storage.Local.Segments;
using Microsoft.Extensions.Logging;

namespace EdgeCache.Storage.Local.Scrubbing;

/// <summary>
/// Re-hashes everything that is stored, shard by shard of the index, while the store goes on serving. What is replaced, moved, deleted or evicted on the way is no
/// damage: who finds something wrong asks the store, which looks again under the key's lock before it drops anything.
/// </summary>
/// <param name="index">What there is.</param>
/// <param name="check">Reads and checks one blob.</param>
/// <param name="drop">Puts a damaged blob aside; false when it is no longer there.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">The log.</param>
internal sealed partial class Scrubber(BlobIndex index, BlobCheck check, Func<IndexEntry, Finding, ValueTask<bool>> drop, TimeProvider time, ILogger logger)
{
    /// <summary>How often it looks again at a blob that has just moved.</summary>
    private const int MaxLooks = 5;

    /// <summary>Reads every blob that is due once.</summary>
    /// <param name="isDue">Which.</param>
    /// <param name="rate">How fast.</param>
    /// <param name="onProgress">Told after every blob.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<ScrubProgress> ScrubAsync(Func<IndexEntry, bool> isDue, RateLimit rate, Action<ScrubProgress>? onProgress, CancellationToken cancellationToken)
    {
        var progress = new ScrubProgress(0, 0, 0, 0);
        for (var shard = 0; shard < BlobIndex.ShardCount; shard++)
        {
            foreach (var entry in Find(shard, isDue))
            {
                cancellationToken.ThrowIfCancellationRequested();
                progress = await ScrubAsync(entry, progress, rate, cancellationToken).ConfigureAwait(false);
                onProgress?.Invoke(progress);
            }
        }
        return progress;
    }

    /// <summary>The due entries of a shard in the order of the log, which is easiest for the disk.</summary>
    private List<IndexEntry> Find(int shard, Func<IndexEntry, bool> isDue)
    {
        var found = new List<IndexEntry>();
        using (var copy = index.CopyShard(shard))
        {
            foreach (ref readonly var entry in copy.Entries)
            {
                if (isDue(entry))
                    found.Add(entry);
            }
        }
        found.Sort(static (a, b) => (a.Segment, a.Offset).CompareTo((b.Segment, b.Offset)));
        return found;
    }

    private async ValueTask<ScrubProgress> ScrubAsync(IndexEntry seen, ScrubProgress progress, RateLimit rate, CancellationToken cancellationToken)
    {
        try
        {
            for (var look = 0; look < MaxLooks && index.TryGet(seen.Hash, out var entry); look++)
            {
                var finding = await check.CheckAsync(entry, rate, cancellationToken).ConfigureAwait(false);
                if (finding.Verdict == RecordVerdict.Good)
                {
                    index.TryUpdate(entry.Hash, entry.Segment, entry.Offset, new MarkVerified(IndexEntry.ToMinutes(time.GetUtcNow())));
                    return progress with { Blobs = progress.Blobs + 1, Bytes = progress.Bytes + entry.Bytes };
                }
                if (finding.Verdict == RecordVerdict.Damaged && await drop(entry, finding).ConfigureAwait(false))
                    return progress with { Blobs = progress.Blobs + 1, Bytes = progress.Bytes + entry.Bytes, Damaged = progress.Damaged + 1 };
            }
            return progress;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The disk may be ill for a moment only, so nothing is dropped.
            LogUnreadable(error, seen.Hash);
            return progress with { Unreadable = progress.Unreadable + 1 };
        }
    }

    [LoggerMessage(LogLevel.Error, "The blob with the hash {Hash} could not be read by a scrub; it is left as it is")]
    private partial void LogUnreadable(Exception error, KeyHash hash);
}
