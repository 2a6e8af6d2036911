using System.Numerics;
using EdgeCache.Storage.Local.Index;

namespace EdgeCache.Storage.Local.Memory;

/// <summary>
/// Hot small blobs in memory, within a budget of bytes. A hit makes no system call, takes no lock and allocates nothing. What gets in was asked for at least twice lately
/// (<see cref="Doorkeeper"/>), so that a pass over everything changes nothing here; what goes is decided by SIEVE (<see cref="SieveCache{T}"/>). The two together keep what
/// S3-FIFO keeps with three queues, and only one of them ever holds bytes.
/// </summary>
internal sealed class MemoryTier
{
    /// <summary>Shards, so that those who put something in do not wait for each other. A shard must have room for some of the longest blobs.</summary>
    private const int MaxShards = 16;
    private const long SmallestShard = 1 << 20;

    /// <summary>One place of a doorkeeper for so many bytes: it remembers about as many blobs as would fit, were they all very small.</summary>
    private const int BytesPerPlace = 1024;

    /// <summary>
    /// Longest record whose blob gets in: content of 16 KiB with what is around it. A longer one comes out of the system's own memory for hardly more, and at best without any copy;
    /// here it would take the room of many that gain more.
    /// </summary>
    public const int MaxRecordLength = 20 * 1024;

    private readonly Shard[] _shards;

    /// <summary>Makes an empty tier.</summary>
    /// <param name="budget">Most bytes it may take; 0 switches it off.</param>
    public MemoryTier(long budget)
    {
        MaxBytes = budget;
        var count = budget == 0 ? 0 : (int)BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(budget / SmallestShard, 1, MaxShards));
        _shards = new Shard[count];
        for (var i = 0; i < count; i++)
            _shards[i] = new Shard(budget / count);
    }

    /// <summary>Most bytes it may take.</summary>
    public long MaxBytes { get; }

    /// <summary>How it is doing.</summary>
    public MemoryTierState State
    {
        get
        {
            var state = new MemoryTierState { MaxBytes = MaxBytes };
            foreach (var shard in _shards)
                state = shard.AddTo(state);
            return state;
        }
    }

    /// <summary>The blob of exactly this record.</summary>
    public CachedBlob? Find(in IndexEntry entry) => _shards.Length == 0 ? null : ShardOf(entry.Hash).Find(entry);

    /// <summary>As <see cref="Find"/>, and counts it: somebody is served from here.</summary>
    public CachedBlob? Serve(in IndexEntry entry) => _shards.Length == 0 ? null : ShardOf(entry.Hash).Serve(entry);

    /// <summary>Notes that a blob was asked for that is not here; true when it should be put in.</summary>
    public bool Knock(in IndexEntry entry) => _shards.Length != 0 && entry.Length <= MaxRecordLength && ShardOf(entry.Hash).Knock(entry);

    /// <summary>Puts a blob in whose bytes have just been verified; null where it does not fit.</summary>
    /// <param name="entry">The entry that points to it.</param>
    /// <param name="metadata">What is known of it.</param>
    /// <param name="content">Its content.</param>
    /// <param name="payload">Its payload, where that is not the content; empty otherwise. Those who want it are served from here too.</param>
    public CachedBlob? Add(in IndexEntry entry, BlobMetadata metadata, ReadOnlySpan<byte> content, ReadOnlySpan<byte> payload) =>
        _shards.Length == 0 ? null : ShardOf(entry.Hash).Add(entry, metadata, content, payload);

    /// <summary>Frees the room of a blob that is no more. It could not be found anyway.</summary>
    public void Remove(KeyHash hash)
    {
        if (_shards.Length != 0)
            ShardOf(hash).Remove(hash);
    }

    /// <summary>Gives up everything, for good.</summary>
    public void Close()
    {
        foreach (var shard in _shards)
            shard.Close();
    }

    private Shard ShardOf(KeyHash hash) => _shards[(int)(hash.High >> 32) & (_shards.Length - 1)];

    /// <summary>A part of the tier, with counters of its own, so that few write to the same ones.</summary>
    private sealed class Shard
    {
        private readonly Doorkeeper _door;
        private readonly SieveCache<CachedBlob> _cache;
        private long _hits;
        private long _hitBytes;
        private long _admissions;

        public Shard(long budget)
        {
            _door = new Doorkeeper((int)(budget / BytesPerPlace / 2) + 1);
            _cache = new SieveCache<CachedBlob>(Math.Max(0, budget - _door.Bytes));
        }

        public CachedBlob? Find(in IndexEntry entry) => _cache.Find(entry);

        public CachedBlob? Serve(in IndexEntry entry)
        {
            if (_cache.Find(entry) is not { } blob)
                return null;
            Interlocked.Increment(ref _hits);
            Interlocked.Add(ref _hitBytes, blob.Metadata.Length);
            return blob;
        }

        public bool Knock(in IndexEntry entry) => _cache.Fits(entry.Length) && _door.Knock(entry.Hash);

        public CachedBlob? Add(in IndexEntry entry, BlobMetadata metadata, ReadOnlySpan<byte> content, ReadOnlySpan<byte> payload)
        {
            if (!_cache.Fits(CachedBlob.Measure(metadata, content.Length + payload.Length)))
                return null;
            var blob = new CachedBlob(entry, metadata, [.. content, .. payload]);
            if (!_cache.TryAdd(blob))
                return null;
            Interlocked.Increment(ref _admissions);
            return blob;
        }

        public void Remove(KeyHash hash) => _cache.Remove(hash);

        public void Close() => _cache.Close();

        public MemoryTierState AddTo(MemoryTierState sum) => sum with
        {
            UsedBytes = sum.UsedBytes + _cache.Used + _door.Bytes,
            Blobs = sum.Blobs + _cache.Count,
            Hits = sum.Hits + Volatile.Read(ref _hits),
            HitBytes = sum.HitBytes + Volatile.Read(ref _hitBytes),
            Admissions = sum.Admissions + Volatile.Read(ref _admissions),
            Evictions = sum.Evictions + _cache.Evictions,
        };
    }
}
