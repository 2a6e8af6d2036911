using EdgeCache.Storage.Local.Index;
using EdgeCache.Storage.Local.Scrubbing;
using EdgeCache.Storage.Local.Segments;
using Microsoft.Extensions.Logging;

namespace EdgeCache.Storage.Local;

/// <content>What is held against its checksums, when, and what becomes of what is damaged.</content>
public sealed partial class LocalStore
{
    private long _damaged;

    /// <summary>Notes that the whole content of an entry has just been held against its checksums and is good.</summary>
    internal void NoteVerified(in IndexEntry entry) => _index.TryUpdate(entry.Hash, entry.Segment, entry.Offset, new MarkVerified(IndexEntry.ToMinutes(_time.GetUtcNow())));

    /// <summary>
    /// Takes a damaged blob out of the index, so that it is a miss and the next write heals it; counts it, and puts its file aside for a look. The one way for damage to
    /// go, whoever finds it. May wait for the disk.
    /// </summary>
    /// <param name="key">The blob.</param>
    /// <param name="entry">The entry that points to what is damaged. One that points elsewhere by now stays, and nothing is done.</param>
    /// <param name="file">The file of a large blob, if it is there and known.</param>
    /// <returns>Whether it was in the index until now.</returns>
    internal bool DropDamaged(BlobKey key, in IndexEntry entry, string? file)
    {
        // A reader may outlive the store, and the folder may be another's by then.
        if (_readingEnded)
            return false;
        if (_rebuild is { } rebuild)
        {
            // What may be superseded is no loss, and to give up its key would cost the newer version that the rebuild has not come by.
            if (!rebuild.IsServable(entry))
                return false;
            _replay.NoteGone(entry.Hash);
        }
        if (!_index.Remove(entry.Hash, entry.Segment, entry.Offset, out var removed))
            return false;
        Interlocked.Increment(ref _damaged);
        if (key.IsDefault)
            LogDamagedRecord(entry.Hash, entry.Segment, entry.ByteOffset);
        else
            LogUnreadable(key);
        try
        {
            // Until now this record said that those before it are superseded. It no longer can, so their marks must.
            MarkDead(removed);
            _segments.SyncAllMarks();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            LogWriteFault(error);
        }
        Release(removed);
        if (file is not null)
            TryQuarantine(file);
        return true;
    }

    /// <summary>As the other, where the record is damaged, so that it says neither whose it is nor which file it stands for.</summary>
    private bool DropDamaged(in IndexEntry entry)
    {
        if (!DropDamaged(default, entry, file: null))
            return false;
        if (entry.IsLarge)
            QuarantineStrayFiles(entry.Hash);
        return true;
    }

    /// <summary>
    /// An equal write is acknowledged without being stored, so what is there must really be there: holds the file of a large blob with the same content against its checksums, unless
    /// that was done lately. What is damaged is missing from then on. To be called without the key's lock, because it takes as long as the file takes to read.
    /// </summary>
    /// <exception cref="IOException">The disk failed.</exception>
    private async ValueTask VerifyEqualAsync(BlobMetadata next, CancellationToken cancellationToken)
    {
        if (!_index.TryGet(HashOf(next.Key), out var entry) || !entry.IsLarge || !IsServable(entry) || IsVerified(entry))
            return;
        var finding = await _reads.QueueAsync(() => CheckEqual(entry, next), cancellationToken).ConfigureAwait(false);
        if (finding.Verdict == RecordVerdict.Good)
            NoteVerified(entry);
        else if (finding.Verdict == RecordVerdict.Damaged)
            await DropDamagedAsync(entry, finding).ConfigureAwait(false);
    }

    private Finding CheckEqual(IndexEntry entry, BlobMetadata next)
    {
        if (RecordReader.ReadMetadata(_segments, entry, out _, out var current) != RecordVerdict.Good || current!.Key != next.Key || current.Sha256 != next.Sha256)
            return new(RecordVerdict.Gone);
        // Without a limit it never waits for time to pass.
        return NewCheck().CheckAsync(entry, new RateLimit(static () => long.MaxValue, _time), CancellationToken.None).AsTask().GetAwaiter().GetResult();
    }

    /// <summary>Whether the content was held against its checksums since the start, and not too long ago.</summary>
    private bool IsVerified(in IndexEntry entry)
    {
        if (!entry.IsVerified)
            return false;
        if (_options.VerifyInterval == TimeSpan.Zero)
            return true;
        // A time that is yet to come is that of a clock that was wrong, and says nothing.
        var age = (long)IndexEntry.ToMinutes(_time.GetUtcNow()) - entry.Tick;
        return age >= 0 && age < (long)Math.Ceiling(_options.VerifyInterval.TotalMinutes);
    }

    [LoggerMessage(LogLevel.Error, "The record of {Hash} in segment {Segment} at {Offset} is damaged on disk; it counts as missing")]
    private partial void LogDamagedRecord(KeyHash hash, uint segment, long offset);

    [LoggerMessage(LogLevel.Error, "{Key} is damaged on disk or was removed by hand; it counts as missing")]
    private partial void LogUnreadable(BlobKey key);
}
