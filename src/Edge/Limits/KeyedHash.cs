using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace EdgeCache.Edge.Limits;

/// <summary>
/// Numbers for the tables of limits. Keyed with a secret of this process, so that nobody outside can choose addresses or names that fall together. Two that do
/// share a limit and nothing else; with 64 bits that is not expected to happen.
/// </summary>
internal static class KeyedHash
{
    // The increment of a Weyl sequence, and what keeps a word that equals a key from making everything zero.
    private const ulong Step = 0x9E37_79B9_7F4A_7C15;

    private static readonly ulong First = Secret();
    private static readonly ulong Second = Secret();

    /// <summary>A number for a text.</summary>
    public static ulong Of(ReadOnlySpan<char> text)
    {
        var bytes = MemoryMarshal.AsBytes(text);
        var hash = Mix((ulong)bytes.Length ^ First, Second);
        while (bytes.Length >= sizeof(ulong))
        {
            hash = Of(hash, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }
        Span<byte> rest = stackalloc byte[sizeof(ulong)];
        rest.Clear();
        bytes.CopyTo(rest);
        return Of(hash, BinaryPrimitives.ReadUInt64LittleEndian(rest));
    }

    /// <summary>A number for two.</summary>
    public static ulong Of(ulong one, ulong other) => Mix(Mix(one ^ First, (other + Step) ^ Second), (one + Step) ^ First);

    private static ulong Mix(ulong one, ulong other)
    {
        var high = Math.BigMul(one, other, out var low);
        return high ^ low;
    }

    private static ulong Secret()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        RandomNumberGenerator.Fill(bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes) | 1;
    }
}
