using EdgeCache.Storage.Local.Index;
using EdgeCache.Storage.Local.Segments;
using Microsoft.Extensions.Logging;

namespace EdgeCache.Storage.Local;

/// <content>How the index is built from the log while the store serves.</content>
public sealed partial class LocalStore
{
    private const string NotYetKnown = "The store is still finding out which blobs it has, because it was started without a good index; try again later.";
    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxRetry = TimeSpan.FromSeconds(30);

    // Null when the index is known to be complete.
    private volatile Rebuild? _rebuild;
    private LogReplay _replay = null!;
    private readonly TaskCompletionSource _rebuilt = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stopping = new();

    // Space of files that was measured and that no entry has claimed yet. Changed by the rebuild's thread alone.
    private long _unclaimed;

    /// <summary>For tests: ends when the index is complete.</summary>
    internal Task Rebuilt => _rebuilt.Task;

    /// <summary>Whether what the index says of a key is sure to be what it has.</summary>
    private bool IsServable(in IndexEntry entry) => _rebuild is not { } rebuild || rebuild.IsServable(entry);

    /// <summary>Waits until the index is complete; false when that takes too long.</summary>
    private ValueTask<bool> IsKnownAsync(CancellationToken cancellationToken) =>
        _rebuild is { } rebuild ? WaitAsync(rebuild.Ended, cancellationToken) : new(true);

    /// <summary>As the other, for a write: one that replaces whatever is there need not wait, nor one of a key that is known.</summary>
    private ValueTask<bool> IsKnownAsync(BlobKey key, PutOptions options, CancellationToken cancellationToken) =>
        options is { Replace: true, Condition: null } || (_index.TryGet(HashOf(key), out var entry) && IsServable(entry)) ? new(true) : IsKnownAsync(cancellationToken);

    private async ValueTask<bool> WaitAsync(Task<bool> end, CancellationToken cancellationToken)
    {
        try
        {
            return await end.WaitAsync(_options.RoomTimeout, _time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    /// <summary>Rebuilds, on a thread of its own; then, or at once, looks for files that no record stands for.</summary>
    private async Task RebuildAndSweepAsync(bool isTakeover)
    {
        if (_rebuild is { } rebuild)
        {
            var began = _time.GetTimestamp();
            LogRebuilding(rebuild.Bytes);
            var isComplete = await Task.Factory.StartNew(() => RunToEnd(rebuild), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
            if (isComplete)
            {
                _space.AddUsed(-_unclaimed);
                _rebuild = null;
                LogRebuilt(_replay.Records, _index.Count, _time.GetElapsedTime(began).TotalSeconds);
            }
            rebuild.End(isComplete);
            if (!isComplete)
                return;
            EndRebuild();
        }
        await SweepFilesAsync(isTakeover).ConfigureAwait(false);
    }

    /// <summary>From here on segments can be reclaimed.</summary>
    private void EndRebuild()
    {
        _rebuilt.TrySetResult();
        if (_segments.List().Exists(s => s.IsSealed && s.LiveBytes <= 0))
            _reclaimer.NoteDead();
        _reclaimer.Check();
    }

    /// <summary>Goes on after faults of the disk, with pauses. What can't be read must not be taken for nothing: an older version would be served in its place.</summary>
    /// <returns>False when the store closes before the end.</returns>
    private bool RunToEnd(Rebuild rebuild)
    {
        for (var pause = FirstRetry; ; pause = pause * 2 < MaxRetry ? pause * 2 : MaxRetry)
        {
            try
            {
                if (!rebuild.Measured.IsCompleted)
                {
                    MeasureFiles();
                    rebuild.EndMeasuring();
                }
                rebuild.Run(_stopping.Token);
                return true;
            }
            catch (OperationCanceledException)
            {
                return false;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                LogRebuildFault(error, pause);
                _probe.Report($"The index can't be rebuilt: {error.Message}");
                using var timer = new CancellationTokenSource(pause, _time);
                WaitHandle.WaitAny([timer.Token.WaitHandle, _stopping.Token.WaitHandle]);
            }
        }
    }

    /// <summary>Counts the files of all large blobs at once, so that a store that is full takes no more before it knows whose they are.</summary>
    private void MeasureFiles()
    {
        var measured = 0L;
        foreach (var (path, _, generation) in _layout.FindBlobFiles(_files))
        {
            _stopping.Token.ThrowIfCancellationRequested();
            if (generation is null || generation > _firstGeneration)
                continue;
            try
            {
                using var file = _files.Open(path, writable: false);
                measured += file.AllocatedBytes;
            }
            catch (FileNotFoundException)
            {
                // Replaced in this instant.
            }
        }
        _unclaimed = Math.Max(0, measured - _claimedBySnapshot);
        _space.AddUsed(_unclaimed);
    }

    /// <summary>A record's file has come into the index, or gone out of it: its space is claimed or unclaimed, and the same as before as long as files are counted by measure.</summary>
    private void Claim(long bytes)
    {
        var counted = _rebuild is null ? 0 : Math.Min(bytes, _unclaimed);
        _unclaimed -= counted;
        _space.AddUsed(bytes - counted);
    }

    /// <summary>Applies a record that was found.</summary>
    private void Replay(ScannedRecord record, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var held = _keyLocks.Enter(record.Metadata.Key, cancellationToken);
        RaiseGeneration(record.Header.Generation);
        // The clock was set back. A file on its way to this key has a generation already, which must be larger.
        if (record.Header.Generation > _firstGeneration)
            _generations.Advance(record.Metadata.Key);
        _replay.Take(record);
    }

    [LoggerMessage(LogLevel.Warning, "The index is built from {Bytes} bytes of the log while the store serves; until then deletions and conditional writes wait, and some blobs are missing")]
    private partial void LogRebuilding(long bytes);

    [LoggerMessage(LogLevel.Information, "The index is complete: {Records} records, {Blobs} blobs, {Seconds} s")]
    private partial void LogRebuilt(long records, long blobs, double seconds);

    [LoggerMessage(LogLevel.Error, "The log can't be read; it is tried again after {Pause}")]
    private partial void LogRebuildFault(Exception error, TimeSpan pause);
}
