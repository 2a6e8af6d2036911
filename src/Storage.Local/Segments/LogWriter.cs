using System.Threading.Channels;

namespace EdgeCache.Storage.Local.Segments;

/// <summary>Where a record is.</summary>
/// <param name="Segment">The segment's id.</param>
/// <param name="Offset">Bytes from the segment's beginning.</param>
internal readonly record struct RecordLocation(uint Segment, long Offset);

/// <summary>
/// Appends records to the log, with one thread that writes and syncs for all who wait (group commit): while a sync runs, the next records gather, and the next
/// sync is theirs together. So the more there is to do, the cheaper each is.
/// </summary>
internal sealed class LogWriter : IAsyncDisposable
{
    /// <summary>Records that may wait; whoever comes then waits to be let in.</summary>
    private const int QueueLength = 1024;

    /// <summary>Most records and bytes for one sync: bounds how long the first of them waits.</summary>
    private const int MaxBatchRecords = 512;
    private const long MaxBatchBytes = 8 << 20;

    private readonly SegmentSet _segments;
    private readonly long _segmentLength;
    private readonly long _maxWeight;
    private readonly Action<long> _addUsed;
    private readonly Channel<Pending> _queue = Channel.CreateBounded<Pending>(new BoundedChannelOptions(QueueLength) { SingleReader = true });

    /// <summary>One for each class, and one for what is only moved together, which keeps its place in the queue and must not mix with what comes in.</summary>
    private readonly Segment?[] _active = new Segment?[3];
    private const int Moved = 2;

    /// <summary>How far apart in the queue the segments may be from which records are moved together: all of them get the first one's place.</summary>
    private const int MaxSpread = 8;
    private readonly Task _thread;
    private long _written;

    /// <summary>Makes a writer that begins with new segments.</summary>
    /// <param name="segments">Where to.</param>
    /// <param name="segmentLength">Where a segment is full.</param>
    /// <param name="maxWeight">What the records of a segment may stand for, with the files of large blobs: eviction takes a segment at a time.</param>
    /// <param name="addUsed">Told of the bytes that a new segment takes besides its records.</param>
    public LogWriter(SegmentSet segments, long segmentLength, long maxWeight, Action<long> addUsed)
    {
        _maxWeight = maxWeight;
        _addUsed = addUsed;
        _segments = segments;
        _segmentLength = segmentLength;
        _thread = Task.Factory.StartNew(Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Bytes that have been appended since the start.</summary>
    public long Written => Volatile.Read(ref _written);

    /// <summary>Appends a record and syncs it. The memory must stay as it is until the task ends.</summary>
    /// <exception cref="IOException">The write or its sync failed: the record may or may not be found after a restart.</exception>
    public Task<RecordLocation> AppendAsync(SegmentClass queue, ReadOnlyMemory<byte> record, long fileBytes = 0) =>
        AddAsync(new Pending((int)queue, queue, record, record.Length + fileBytes));

    /// <summary>Appends the copy of a record whose blob keeps its place on probation.</summary>
    /// <param name="place">The place: that of the segment it comes from.</param>
    /// <param name="record">The record; must stay as it is until the task ends.</param>
    /// <param name="fileBytes">Of the file that it stands for.</param>
    /// <exception cref="IOException">As for any record.</exception>
    public Task<RecordLocation> AppendMovedAsync(uint place, ReadOnlyMemory<byte> record, long fileBytes) =>
        AddAsync(new Pending(Moved, SegmentClass.Probation, record, record.Length + fileBytes) { Place = place });

    /// <summary>Ends the active segment of a class, so that it can be reclaimed.</summary>
    public Task SealAsync(SegmentClass queue) => AddAsync(new Pending((int)queue, queue, ReadOnlyMemory<byte>.Empty, 0));

    /// <summary>Ends all active segments, so that they can be reclaimed; or those that are older than another, so that what is copied from that is younger.</summary>
    public async Task SealAllAsync(uint olderThan = uint.MaxValue)
    {
        for (var lane = 0; lane < _active.Length; lane++)
            await AddAsync(new Pending(lane, default, ReadOnlyMemory<byte>.Empty, 0) { OlderThan = olderThan }).ConfigureAwait(false);
    }

    /// <summary>Writes what is waiting and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _thread.ConfigureAwait(false);
    }

    private Task<RecordLocation> AddAsync(Pending pending) => _queue.Writer.TryWrite(pending) ? pending.Done.Task : WaitAndAddAsync(pending);

    private async Task<RecordLocation> WaitAndAddAsync(Pending pending)
    {
        await _queue.Writer.WriteAsync(pending).ConfigureAwait(false);
        return await pending.Done.Task.ConfigureAwait(false);
    }

    private void Run()
    {
        var batch = new List<Pending>(MaxBatchRecords);
        var reader = _queue.Reader;
        while (reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            var bytes = 0L;
            while (batch.Count < MaxBatchRecords && bytes < MaxBatchBytes && reader.TryRead(out var pending))
            {
                batch.Add(pending);
                bytes += pending.Record.Length;
            }
            for (var lane = 0; lane < _active.Length; lane++)
                WriteAll(batch, lane);
            batch.Clear();
        }
    }

    /// <summary>Writes the batch's records that go to one of the active segments, and to the next when it is full.</summary>
    private void WriteAll(List<Pending> batch, int lane)
    {
        var part = new List<Pending>(batch.Count);
        foreach (var pending in batch)
        {
            if (pending.Lane == lane)
                part.Add(pending);
        }
        while (part.Count > 0)
        {
            var taken = 0;
            try
            {
                if (part[0].Record.Length == 0)
                {
                    SealActive(lane, part[0].OlderThan);
                    part[0].Done.SetResult(default);
                    part.RemoveAt(0);
                    continue;
                }
                var segment = Active(lane, part[0]);
                taken = Fit(segment, part);
                Write(segment, part.GetRange(0, taken));
            }
#pragma warning disable CA1031 // The thread must go on, whatever it was: everybody who waits would wait for ever.
            catch (Exception error)
#pragma warning restore CA1031
            {
                // What reached the disk is not known, so nothing more goes behind it: the segment ends where it was last synced.
                Abandon(lane);
                taken = Math.Max(taken, 1);
                foreach (var pending in part.GetRange(0, taken))
                    pending.Done.SetException(new IOException($"The log can't be written: {error.Message}", error));
            }
            part.RemoveRange(0, taken);
        }
    }

    private void Write(Segment segment, List<Pending> part)
    {
        var offset = segment.Length;
        try
        {
            segment.File.Write(offset, part.ConvertAll(p => p.Record));
            segment.File.Sync();
        }
        catch
        {
            segment.AddStrays(Offsets(offset, part));
            throw;
        }
        var bytes = part.Sum(p => (long)p.Record.Length);
        segment.Weight += part.Sum(p => p.Weight);
        segment.Length = offset + bytes;
        Volatile.Write(ref _written, _written + bytes);
        foreach (var pending in part)
        {
            pending.Done.SetResult(new RecordLocation(segment.Id, offset));
            offset += pending.Record.Length;
        }
    }

    /// <summary>Takes no more into an active segment. One that has nothing in it that was acknowledged goes at once: a disk that fails for long must not leave one for every try.</summary>
    private void Abandon(int lane)
    {
        if (_active[lane] is not { } segment)
            return;
        Volatile.Write(ref _active[lane], null);
        if (segment.Length > Segment.HeaderLength)
        {
            segment.Seal();
            return;
        }
        try
        {
            _segments.Discard(segment);
            _addUsed(-Segment.HeaderLength);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It stays, sealed, until the reclaimer gets rid of it.
            segment.Seal();
        }
    }

    private static List<long> Offsets(long first, List<Pending> part)
    {
        var offsets = new List<long>(part.Count);
        foreach (var pending in part)
        {
            offsets.Add(first);
            first += pending.Record.Length;
        }
        return offsets;
    }

    /// <summary>The segment that takes a record of this length; a new one when the present one is full.</summary>
    private Segment Active(int lane, Pending next)
    {
        if (_active[lane] is { } segment && segment.Length + next.Record.Length <= _segmentLength && (segment.Weight == 0 || segment.Weight + next.Weight <= _maxWeight)
            && !(next.Place > segment.Place + MaxSpread))
            return segment;
        // Nothing is active while this fails: the full one must not be.
        SealActive(lane, uint.MaxValue);
        segment = _segments.Create(next.Class, next.Place);
        _addUsed(Segment.HeaderLength);
        Volatile.Write(ref _active[lane], segment);
        return segment;
    }

    private void SealActive(int lane, uint olderThan)
    {
        if (_active[lane] is not { } segment || segment.Id >= olderThan)
            return;
        segment.Seal();
        Volatile.Write(ref _active[lane], null);
    }

    private int Fit(Segment segment, List<Pending> part)
    {
        var length = segment.Length;
        var weight = segment.Weight;
        var count = 0;
        while (count < part.Count && part[count].Record.Length > 0
            && (count == 0 || (length + part[count].Record.Length <= _segmentLength && weight + part[count].Weight <= _maxWeight && part[count].Place == part[0].Place)))
        {
            length += part[count].Record.Length;
            weight += part[count++].Weight;
        }
        return count;
    }

    private sealed class Pending(int lane, SegmentClass queue, ReadOnlyMemory<byte> record, long weight)
    {
        /// <summary>To which of the active segments it goes.</summary>
        public int Lane { get; } = lane;

        public SegmentClass Class { get; } = queue;

        /// <summary>The place in the queue of what is moved; null for what goes to the end.</summary>
        public uint? Place { get; init; }

        public ReadOnlyMemory<byte> Record { get; } = record;

        public long Weight { get; } = weight;

        /// <summary>Without a record: the active segment is ended if its id is below this.</summary>
        public uint OlderThan { get; init; } = uint.MaxValue;

        public TaskCompletionSource<RecordLocation> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
