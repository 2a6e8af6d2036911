using System.Numerics;

namespace EdgeCache.Storage.Local;

/// <summary>
/// Remembers which keys were evicted lately, in bounded memory: a table of fingerprints, each replaced by the next that falls into its place. A false answer only
/// puts a blob into the other queue.
/// </summary>
internal sealed class GhostTable
{
    /// <summary>One for every two blobs of common size (docs/adr/0002-eviction.md).</summary>
    private const long BytesPerEntry = 64 * 1024;
    private const uint MinEntries = 1 << 10;
    private const uint MaxEntries = 1 << 22;

    private readonly uint[] _fingerprints;

    public GhostTable(long maxBytes) => _fingerprints = new uint[BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(maxBytes / BytesPerEntry, MinEntries, MaxEntries))];

    public void Add(KeyHash hash) => Volatile.Write(ref _fingerprints[Slot(hash)], Fingerprint(hash));

    /// <summary>Whether the key was evicted lately; asks once, because the blob comes back now.</summary>
    public bool Take(KeyHash hash)
    {
        ref var slot = ref _fingerprints[Slot(hash)];
        var fingerprint = Fingerprint(hash);
        return Interlocked.CompareExchange(ref slot, 0, fingerprint) == fingerprint;
    }

    private int Slot(KeyHash hash) => (int)(hash.High & (ulong)(_fingerprints.Length - 1));

    // Never zero, which means an empty place.
    private static uint Fingerprint(KeyHash hash) => (uint)(hash.High >> 32) | 1;
}
