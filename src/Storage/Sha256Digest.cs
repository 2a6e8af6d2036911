using System.Buffers.Binary;

namespace EdgeCache.Storage;

/// <summary>
/// A SHA-256 digest (FIPS 180-4): 32 bytes held by value, so that passing one around allocates nothing. The default value is no digest: of an object that
/// somebody else put into a far store nobody may know it. It can be asked about and compared, but not written, so that it never passes for one.
/// </summary>
public readonly record struct Sha256Digest
{
    /// <summary>Length of a digest in bytes.</summary>
    public const int Size = 32;

    /// <summary>Length of a digest in lower-case hexadecimal.</summary>
    public const int HexLength = 64;

    private readonly ulong _a, _b, _c, _d;

    /// <summary>Takes the digest from its 32 bytes.</summary>
    /// <exception cref="ArgumentException"><paramref name="bytes"/> is not 32 bytes long.</exception>
    public Sha256Digest(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size)
            throw new ArgumentException($"A SHA-256 digest has {Size} bytes, not {bytes.Length}.", nameof(bytes));
        _a = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        _b = BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]);
        _c = BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]);
        _d = BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]);
    }

    /// <summary>Whether this is a digest; 32 bytes of zero stand for none (no content is known that has them).</summary>
    public bool IsKnown => (_a | _b | _c | _d) != 0;

    /// <summary>Reads 64 lower-case hexadecimal digits; upper case is refused, because a key has one spelling.</summary>
    public static bool TryParseHex(ReadOnlySpan<char> hex, out Sha256Digest digest)
    {
        digest = default;
        if (hex.Length != HexLength || hex.ContainsAnyInRange('A', 'F'))
            return false;
        Span<byte> bytes = stackalloc byte[Size];
        if (Convert.FromHexString(hex, bytes, out _, out _) != System.Buffers.OperationStatus.Done)
            return false;
        digest = new Sha256Digest(bytes);
        return true;
    }

    /// <summary>Writes the 32 bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="destination"/> is shorter than 32 bytes.</exception>
    /// <exception cref="InvalidOperationException">There is no digest (<see cref="IsKnown"/>).</exception>
    public void CopyTo(Span<byte> destination)
    {
        if (!IsKnown)
            throw new InvalidOperationException("The digest is not known.");
        BinaryPrimitives.WriteUInt64LittleEndian(destination, _a);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], _b);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[16..], _c);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[24..], _d);
    }

    /// <summary>The digest in 64 lower-case hexadecimal digits.</summary>
    public string ToHex()
    {
        Span<byte> bytes = stackalloc byte[Size];
        CopyTo(bytes);
        return Convert.ToHexStringLower(bytes);
    }

    /// <summary>The digest in base64, as HTTP digest fields carry it (RFC 9530, section 2).</summary>
    public string ToBase64()
    {
        Span<byte> bytes = stackalloc byte[Size];
        CopyTo(bytes);
        return Convert.ToBase64String(bytes);
    }

    /// <inheritdoc/>
    public override string ToString() => IsKnown ? ToHex() : "unknown";
}
