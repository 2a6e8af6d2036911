using System.Numerics;

namespace EdgeCache.Storage.Local.Memory;

/// <summary>
/// Remembers of which blobs somebody asked lately, in one number each: the door to a cache opens at the second knock (the doorkeeper of TinyLFU; Einziger et al., ACM TOS 2017).
/// A later blob takes the place of an earlier one, so it forgets by itself, and the sooner the more blobs are asked for.
/// </summary>
/// <remarks>No lock: places are read and written whole, and a race costs one admission more or less.</remarks>
internal sealed class Doorkeeper(int places)
{
    private readonly uint[] _seen = new uint[BitOperations.RoundUpToPowerOf2((uint)places)];

    /// <summary>Bytes that it takes.</summary>
    public long Bytes => (long)_seen.Length * sizeof(uint);

    /// <summary>Whether this is the second time within its memory. The first time is noted, the second forgotten.</summary>
    public bool Knock(KeyHash hash)
    {
        ref var place = ref _seen[(uint)hash.High & (uint)(_seen.Length - 1)];
        // The index chooses by other bits. 0 is an empty place.
        var mark = (uint)(hash.Low >> 32) | 1;
        var isSecond = place == mark;
        place = isSecond ? 0 : mark;
        return isSecond;
    }
}
