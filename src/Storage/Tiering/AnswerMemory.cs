using System.Collections.Concurrent;

namespace EdgeCache.Storage.Tiering;

/// <summary>What the far store has said of a key.</summary>
/// <param name="Key">The key.</param>
/// <param name="Stamp">The key's stamp (<see cref="IBlobStore.GetGeneration"/>) before the far store was asked: the answer is good only while it is unchanged.</param>
/// <param name="At">When it was asked, as a timestamp of the clock: it may be as old as that (RFC 9111, section 4.2.3).</param>
/// <param name="Blob">What the far store has; null for nothing.</param>
internal sealed record FarAnswer(BlobKey Key, long Stamp, Moment At, BlobMetadata? Blob);

/// <summary>A point of time that also says which of two was first, however coarse the clock is.</summary>
/// <param name="Time">As a timestamp of the clock.</param>
/// <param name="Turn">Grows with every moment; 1 and more.</param>
internal readonly record struct Moment(long Time, long Turn);

/// <summary>
/// What the far store said lately, in a fixed number of places: an answer takes the place of another that shares its own. Any write, delete or purge of a key here
/// makes what is remembered of it void, without anybody having to say so; a purge of many makes void what is remembered of their namespace.
/// </summary>
/// <remarks>No locks: each place is read and written as a whole, and an answer never changes.</remarks>
internal sealed class AnswerMemory(TimeProvider time)
{
    private const int Places = 8192;
    private readonly FarAnswer?[] _places = new FarAnswer?[Places];
    private long _turn; // Grows by one with every moment.

    // Of a namespace, the turn from which on answers count. Only of those that are configured and were purged, so they are few.
    private readonly ConcurrentDictionary<string, long> _firsts = new(StringComparer.Ordinal);

    /// <summary>What was said of a key, if nothing has happened to it since.</summary>
    public FarAnswer? Find(BlobKey key, long stamp) =>
        Volatile.Read(ref PlaceOf(key)) is { } answer && answer.Stamp == stamp && answer.Key == key && !(_firsts.TryGetValue(key.Namespace, out var first) && answer.At.Turn < first) ? answer : null;

    /// <summary>Makes void what was asked of a namespace until now, also what is not answered yet.</summary>
    public void Forget(string @namespace)
    {
        var turn = Begin().Turn;
        _firsts.AddOrUpdate(@namespace, turn, (_, first) => Math.Max(first, turn));
    }

    /// <summary>Whether an answer is younger than a limit.</summary>
    public bool IsYounger(FarAnswer answer, TimeSpan limit) => time.GetElapsedTime(answer.At.Time) < limit;

    /// <summary>Now, to be taken before the far store is asked.</summary>
    public Moment Begin() => new(time.GetTimestamp(), Interlocked.Increment(ref _turn));

    /// <summary>Remembers an answer.</summary>
    /// <param name="key">The key.</param>
    /// <param name="stamp">Its stamp from before the far store was asked.</param>
    /// <param name="at">When that was, as <see cref="Begin"/> said: what it says may be as old as that.</param>
    /// <param name="blob">What it has; null for nothing.</param>
    public void Note(BlobKey key, long stamp, Moment at, BlobMetadata? blob) =>
        Volatile.Write(ref PlaceOf(key), new FarAnswer(key, stamp, at, blob is { Checksums: not null } ? blob with { Checksums = null } : blob));

    private ref FarAnswer? PlaceOf(BlobKey key) => ref _places[key.GetHashCode() & (Places - 1)];
}
