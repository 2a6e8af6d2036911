using EdgeCache.Storage.Local.Compressing;
using EdgeCache.Storage.Local.Index;
using EdgeCache.Storage.Local.Scrubbing;
using EdgeCache.Storage.Local.Segments;
using Microsoft.Extensions.Logging;

namespace EdgeCache.Storage.Local;

/// <content>Re-hashing what is stored, and what else goes on in the background beside the reclaiming.</content>
public sealed partial class LocalStore
{
    private ScrubSchedule? _scrubs;

    // What the look at the folder found, and no scrub has told of yet.
    private long _damagedAtStart;

    /// <summary>Re-hashes everything that is stored now. Damaged blobs go to quarantine and are missing from then on; the next write heals them. The store serves meanwhile.</summary>
    /// <param name="bytesPerSecond">How fast it reads, in bytes a second, more than 0.</param>
    /// <param name="onProgress">Told after every blob; null for nobody.</param>
    /// <param name="cancellationToken">Ends it; what was found until then stays dropped.</param>
    /// <returns>What was found, with what the start had found already.</returns>
    public Task<ScrubProgress> ScrubAsync(long bytesPerSecond, Action<ScrubProgress>? onProgress, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytesPerSecond);
        // Reads wait for the disk: not on the caller's thread.
        return Task.Run(() => ScrubAllAsync(bytesPerSecond, onProgress, cancellationToken), cancellationToken);
    }

    private async Task<ScrubProgress> ScrubAllAsync(long bytesPerSecond, Action<ScrubProgress>? onProgress, CancellationToken cancellationToken)
    {
        // Until the index is complete it may point to what is superseded; and until all files have been looked at, one that has just lost its entry is removed before it can be put aside.
        await _adoption.WaitAsync(cancellationToken).ConfigureAwait(false);
        var found = await NewScrubber().ScrubAsync(static _ => true, new RateLimit(() => bytesPerSecond, _time), onProgress, cancellationToken).ConfigureAwait(false);
        var atStart = Interlocked.Exchange(ref _damagedAtStart, 0);
        return found with { Blobs = found.Blobs + atStart, Damaged = found.Damaged + atStart };
    }

    private Scrubber NewScrubber() => new(_index, NewCheck(), DropDamagedAsync, _time, _logger);

    private BlobCheck NewCheck() => new(_segments, _layout, _files, _secret, Compression);

    private void StartUpkeep()
    {
        // Not before the files in the folder have been looked at: until then, a file that has lost its entry would be taken for one that a crash left.
        _sweeper = new NamespaceSweeper(_index, _namespaces, _limits, _gate, EvictAllAsync, _adoption, _time, _logger);
        _deferred = new DeferredCompressor(Compression.Deferred, () => _probe.Fault is null && !Compression.Chooser.IsBusy, CompressStoredAsync, _adoption, _time, _logger);
        _scrubs = new ScrubSchedule(NewScrubber(), _options.Scrub, _adoption, _time, _logger);
    }

    private async ValueTask StopUpkeepAsync()
    {
        if (_scrubs is not null)
            await _scrubs.DisposeAsync().ConfigureAwait(false);
        if (_sweeper is not null)
            await _sweeper.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>
    /// Takes a blob whose bytes are not what was written out of service, and what is left of it to quarantine. Under the key's lock, as far as it is known whose it is, so that
    /// nothing that was deleted or replaced meanwhile is taken for damage, and no newer file for the damaged one.
    /// </summary>
    /// <returns>Whether it was there until now.</returns>
    private async ValueTask<bool> DropDamagedAsync(IndexEntry entry, Finding finding)
    {
        var (key, path) = (finding.Key, finding.Path);
        if (entry.IsLarge && path is null && NewCheck().FindFile(entry.Hash) is { } file)
            (path, key) = (file.Path, file.Key);
        if (key is not { } known)
            return await _disk.RunAsync(() => DropScrubbed(default, entry, null)).ConfigureAwait(false);
        using var held = await _keyLocks.EnterAsync(known, CancellationToken.None).ConfigureAwait(false);
        return await _disk.RunAsync(() => DropScrubbed(known, entry, path)).ConfigureAwait(false);
    }

    private bool DropScrubbed(BlobKey key, IndexEntry entry, string? path)
    {
        if (!_index.TryGet(entry.Hash, out var current) || !current.IsAt(entry.Segment, entry.Offset))
            return false;
        if (!entry.IsLarge)
            KeepRecord(entry);
        // It goes out of the index before its record is marked: a reader that saw the mark would take it out as deleted, and the damage would not be counted.
        return DropDamaged(key, entry, path is not null && _files.Exists(path) ? path : null);
    }

    /// <summary>Copies a damaged record to quarantine, for a look. Where that fails, there is none.</summary>
    private void KeepRecord(in IndexEntry entry)
    {
        try
        {
            var bytes = new byte[Math.Min(entry.Length, RecordFormat.MaxLength)];
            if (_segments.Find(entry.Segment) is not { } segment || segment.File.Read(entry.ByteOffset, bytes) is var read && read == 0)
                return;
            using (var copy = _files.Create(Path.Combine(_layout.Quarantine, $"{entry.Hash}.{entry.Segment:x8}-{entry.ByteOffset:x8}.record")))
                copy.Write(0, bytes.AsSpan(0, read));
            TrimQuarantine();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            LogNoCopy(error, entry.Hash);
        }
    }

    [LoggerMessage(LogLevel.Warning, "The damaged record of {Hash} could not be copied to quarantine")]
    private partial void LogNoCopy(Exception error, KeyHash hash);
}
