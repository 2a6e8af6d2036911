using System.Runtime.InteropServices;

namespace EdgeCache.Edge.Signing;

/// <summary>
/// Addresses whose signature was found to be one of a key, and what they say, in a fixed number of places: a CDN asks for one in many slices, and a signature is not another one the
/// next time. Times, methods and clients are looked at each time. It belongs to one policy, so a reload ends it.
/// </summary>
internal sealed class SignatureMemory
{
    private const int Places = 1024;

    /// <summary>Longest address that is remembered, in characters: all together take no more than 2 MiB, and as much again for what they say.</summary>
    private const int MaxLength = 1024;

    // Each place is read and written as a whole; a lost race costs looking at a signature once more.
    private readonly Entry?[] _places = new Entry?[Places];

    // The hash of what was in a place last. An address is remembered the second time: of those that come once, none is kept, and none takes the place of one that comes often.
    private readonly int[] _seen = new int[Places];

    /// <summary>What an address says; null for one that is not remembered.</summary>
    /// <param name="target">The address.</param>
    /// <param name="hash">For <see cref="Learn"/>.</param>
    public SignedStatement? Find(string target, out int hash)
    {
        hash = 0;
        if (target.Length > MaxLength)
            return null;
        hash = target.GetHashCode(StringComparison.Ordinal);
        return Volatile.Read(ref _places[hash & (Places - 1)]) is { } known && known.Hash == hash && AreSame(known.Target, target) ? known.Statement : null;
    }

    public void Learn(string target, int hash, SignedStatement statement)
    {
        if (target.Length > MaxLength)
            return;
        ref var seen = ref _seen[hash & (Places - 1)];
        if (Volatile.Read(ref seen) == hash)
            Volatile.Write(ref _places[hash & (Places - 1)], new Entry(target, hash, statement));
        else
            Volatile.Write(ref seen, hash);
    }

    /// <summary>Takes as long for any difference: how much of a guess was right must not show.</summary>
    private static bool AreSame(string known, string target)
    {
        if (known.Length != target.Length)
            return false;
        var one = MemoryMarshal.AsBytes(known.AsSpan());
        var other = MemoryMarshal.AsBytes(target.AsSpan());
        var oneWords = MemoryMarshal.Cast<byte, ulong>(one);
        var otherWords = MemoryMarshal.Cast<byte, ulong>(other);
        var difference = 0UL;
        for (var i = 0; i < oneWords.Length; i++)
            difference |= oneWords[i] ^ otherWords[i];
        for (var i = oneWords.Length * sizeof(ulong); i < one.Length; i++)
            difference |= (uint)(one[i] ^ other[i]);
        return difference == 0;
    }

    private sealed record Entry(string Target, int Hash, SignedStatement Statement);
}
