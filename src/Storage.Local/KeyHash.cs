using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace EdgeCache.Storage.Local;

/// <summary>
/// The 128-bit keyed hash of a blob's key, which names its file: SipHash-2-4 with 128-bit output (Aumasson and Bernstein, 2012).
/// Keyed with a secret of the store, so that nobody outside can make two keys collide or fill one folder. The full key in the file has the last word.
/// </summary>
internal readonly record struct KeyHash(ulong Low, ulong High)
{
    private const int MaxInput = (BlobKey.MaxLabelLength * 2) + BlobKey.MaxKeyLength + 2;

    /// <summary>Hashes namespace, tenant and key, kept apart by a byte that none of them can have.</summary>
    public static KeyHash Of(BlobKey key, HashSecret secret)
    {
        Span<byte> input = stackalloc byte[MaxInput];
        var length = Encoding.ASCII.GetBytes(key.Namespace, input);
        input[length++] = 0;
        length += Encoding.ASCII.GetBytes(key.Tenant, input[length..]);
        input[length++] = 0;
        length += Encoding.ASCII.GetBytes(key.Key, input[length..]);
        return Compute(input[..length], secret);
    }

    internal static KeyHash Compute(ReadOnlySpan<byte> input, HashSecret secret)
    {
        var v0 = secret.K0 ^ 0x736f6d6570736575UL;
        var v1 = secret.K1 ^ 0x646f72616e646f6dUL ^ 0xee;
        var v2 = secret.K0 ^ 0x6c7967656e657261UL;
        var v3 = secret.K1 ^ 0x7465646279746573UL;
        var last = (ulong)input.Length << 56;
        for (; input.Length >= 8; input = input[8..])
            Absorb(ref v0, ref v1, ref v2, ref v3, BinaryPrimitives.ReadUInt64LittleEndian(input));
        for (var i = 0; i < input.Length; i++)
            last |= (ulong)input[i] << (8 * i);
        Absorb(ref v0, ref v1, ref v2, ref v3, last);

        v2 ^= 0xee;
        Rounds(4, ref v0, ref v1, ref v2, ref v3);
        var low = v0 ^ v1 ^ v2 ^ v3;
        v1 ^= 0xdd;
        Rounds(4, ref v0, ref v1, ref v2, ref v3);
        return new KeyHash(low, v0 ^ v1 ^ v2 ^ v3);
    }

    /// <summary>Reads what <see cref="ToString"/> writes.</summary>
    public static bool TryParse(string text, out KeyHash hash)
    {
        hash = default;
        Span<byte> bytes = stackalloc byte[16];
        if (text.Length != 32 || Convert.FromHexString(text, bytes, out _, out _) != System.Buffers.OperationStatus.Done)
            return false;
        hash = new KeyHash(BinaryPrimitives.ReadUInt64LittleEndian(bytes), BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]));
        return true;
    }

    /// <summary>32 lower-case hexadecimal digits, in the byte order of the reference implementation.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, Low);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[8..], High);
        return Convert.ToHexStringLower(bytes);
    }

    private static void Absorb(ref ulong v0, ref ulong v1, ref ulong v2, ref ulong v3, ulong word)
    {
        v3 ^= word;
        Rounds(2, ref v0, ref v1, ref v2, ref v3);
        v0 ^= word;
    }

    private static void Rounds(int count, ref ulong v0, ref ulong v1, ref ulong v2, ref ulong v3)
    {
        for (var i = 0; i < count; i++)
        {
            v0 += v1;
            v1 = BitOperations.RotateLeft(v1, 13) ^ v0;
            v0 = BitOperations.RotateLeft(v0, 32);
            v2 += v3;
            v3 = BitOperations.RotateLeft(v3, 16) ^ v2;
            v0 += v3;
            v3 = BitOperations.RotateLeft(v3, 21) ^ v0;
            v2 += v1;
            v1 = BitOperations.RotateLeft(v1, 17) ^ v2;
            v2 = BitOperations.RotateLeft(v2, 32);
        }
    }
}

/// <summary>The 128-bit secret of a store's key hash.</summary>
internal readonly record struct HashSecret(ulong K0, ulong K1)
{
    /// <summary>A name for the store that says nothing of the secret: its own hash.</summary>
    public Guid ToGuid()
    {
        var hash = KeyHash.Compute("store"u8, this);
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, hash.Low);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[8..], hash.High);
        return new Guid(bytes);
    }

    public void CopyTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(destination, K0);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], K1);
    }

    public static HashSecret FromBytes(ReadOnlySpan<byte> bytes) =>
        new(BinaryPrimitives.ReadUInt64LittleEndian(bytes), BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]));
}
