using System.Buffers.Binary;
using System.Numerics;

namespace EdgeCache.Storage;

/// <summary>CRC-32C (Castagnoli, RFC 3720 appendix B.4), by the processor's own instruction where it has one.</summary>
public struct Crc32C : IEquatable<Crc32C>
{
    /// <summary>The polynomial, the coefficient of x^0 in the highest bit as in the checksums themselves.</summary>
    private const uint Polynomial = 0x82F63B78;

    private uint _state;

    /// <summary>A checksum over nothing yet.</summary>
    public static Crc32C Start() => new() { _state = uint.MaxValue };

    /// <summary>The checksum over bytes.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        var crc = Start();
        crc.Append(bytes);
        return crc.Value;
    }

    /// <summary>The checksum over what has been added.</summary>
    public readonly uint Value => ~_state;

    /// <summary>Adds bytes.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        var state = _state;
        for (; bytes.Length >= 8; bytes = bytes[8..])
            state = BitOperations.Crc32C(state, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (var value in bytes)
            state = BitOperations.Crc32C(state, value);
        _state = state;
    }

    /// <summary>The checksum over two runs of bytes, one after the other, of which only the checksums are known.</summary>
    /// <param name="first">Checksum over the first.</param>
    /// <param name="second">Checksum over the second.</param>
    /// <param name="length">Length of the second in bytes, 0 and more.</param>
    public static uint Combine(uint first, uint second, long length)
    {
        // A byte that follows multiplies what came before by x^8, modulo the polynomial.
        var power = 1u << 31;
        var square = 1u << 30;
        for (var bits = checked(length * 8); bits > 0; bits >>= 1)
        {
            if ((bits & 1) != 0)
                power = Multiply(power, square);
            square = Multiply(square, square);
        }
        return Multiply(power, first) ^ second;
    }

    /// <inheritdoc/>
    public readonly bool Equals(Crc32C other) => _state == other._state;

    /// <inheritdoc/>
    public override readonly bool Equals(object? obj) => obj is Crc32C other && Equals(other);

    /// <inheritdoc/>
    public override readonly int GetHashCode() => (int)_state;

    /// <summary>Whether two have got bytes with the same checksum.</summary>
    public static bool operator ==(Crc32C left, Crc32C right) => left.Equals(right);

    /// <summary>Whether two have got bytes with other checksums.</summary>
    public static bool operator !=(Crc32C left, Crc32C right) => !left.Equals(right);

    private static uint Multiply(uint left, uint right)
    {
        var product = 0u;
        for (; left != 0; left <<= 1)
        {
            if ((left & (1u << 31)) != 0)
                product ^= right;
            right = (right & 1) != 0 ? (right >> 1) ^ Polynomial : right >> 1;
        }
        return product;
    }
}
