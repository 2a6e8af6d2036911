using EdgeCache.Storage.Local.Index;
using EdgeCache.Storage.Local.Segments;

namespace EdgeCache.Storage.Local;

/// <summary>
/// Brings the index to the log's state: replays every record behind the snapshot's positions, or every record there is. With little to read it is done before the store
/// serves, with much while it serves.
/// </summary>
/// <remarks>
/// Whoever reads meanwhile must not get what was superseded, by a record that has not been come by yet. A key's records are appended one after the other, and a
/// class has one active segment at a time; so what is newer than a record is behind it in its segment, in a segment with a larger id, or in the one of the other class that was
/// active beside its segment: the last of that class with a smaller id. When those have been read, what was found in a segment can be served. So the youngest segment is read first, and
/// what can be served is at any time every segment from one on.
/// </remarks>
internal sealed class Rebuild
{
    private readonly List<Segment> _segments;
    private readonly IReadOnlyDictionary<uint, long> _positions;
    private readonly HashSecret _secret;
    private readonly Action<ScannedRecord, CancellationToken> _take;
    private readonly HashSet<uint> _read = [];
    private readonly TaskCompletionSource<bool> _measured = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<bool> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _bytesRead;
    private long _servedFrom;

    /// <summary>Makes a rebuild that has not begun.</summary>
    /// <param name="segments">The segments that the start found, oldest first.</param>
    /// <param name="positions">How far into each segment the snapshot goes; none for those that it does not know.</param>
    /// <param name="secret">The secret of the key's hash.</param>
    /// <param name="take">Applies a record.</param>
    public Rebuild(List<Segment> segments, IReadOnlyDictionary<uint, long> positions, HashSecret secret, Action<ScannedRecord, CancellationToken> take)
    {
        _segments = segments;
        _positions = positions;
        _secret = secret;
        _take = take;
        _servedFrom = segments.Count == 0 ? 0 : (long)segments[^1].Id + 1;
        Bytes = segments.Sum(s => Math.Max(0, s.Length - From(s)));
    }

    /// <summary>Bytes to read.</summary>
    public long Bytes { get; }

    /// <summary>How much of it is done, 0 to 1.</summary>
    public double Progress => Bytes == 0 ? 1 : (double)Volatile.Read(ref _bytesRead) / Bytes;

    /// <summary>Ends with true when the space that files take is accounted for, with false when the store closes before.</summary>
    public Task<bool> Measured => _measured.Task;

    /// <summary>Ends with true when all has been read, with false when the store closes before.</summary>
    public Task<bool> Ended => _ended.Task;

    /// <summary>Whether an entry is sure to be the newest of its key.</summary>
    public bool IsServable(in IndexEntry entry) => entry.Segment >= Volatile.Read(ref _servedFrom);

    /// <summary>Reads what has not been read yet. After a fault of the disk it can be called again.</summary>
    /// <exception cref="OperationCanceledException">The store closes.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public void Run(CancellationToken cancellationToken)
    {
        var areClassesKnown = _segments.TrueForAll(s => s.IsClassKnown);
        for (var i = _segments.Count - 1; i >= 0; i--)
        {
            var segment = _segments[i];
            Read(segment, cancellationToken);
            var beside = _segments.FindLastIndex(i, s => s.Class != segment.Class);
            if (beside >= 0)
                Read(_segments[beside], cancellationToken);
            if (areClassesKnown)
                Volatile.Write(ref _servedFrom, segment.Id);
        }
        foreach (var segment in _segments)
            segment.SyncMarks();
    }

    /// <summary>The files have been measured.</summary>
    public void EndMeasuring() => _measured.TrySetResult(true);

    /// <summary>Tells those who wait.</summary>
    public void End(bool isComplete)
    {
        _measured.TrySetResult(isComplete);
        _ended.TrySetResult(isComplete);
    }

    private void Read(Segment segment, CancellationToken cancellationToken)
    {
        if (_read.Contains(segment.Id))
            return;
        var from = From(segment);
        if (from < segment.Length)
            SegmentScanner.Scan(segment, from, _secret, record => _take(record, cancellationToken), cancellationToken);
        _read.Add(segment.Id);
        Volatile.Write(ref _bytesRead, _bytesRead + Math.Max(0, segment.Length - from));
    }

    private long From(Segment segment) => _positions.GetValueOrDefault(segment.Id, Segment.HeaderLength);
}
