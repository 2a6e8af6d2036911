using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace EdgeCache.Edge.Access;

/// <summary>
/// Where a request comes from, as far as limits are concerned: an IPv4 address, or the first 64 bits of an IPv6 address, because whoever has one address of such a network has them all.
/// </summary>
/// <param name="Id">The address as a number that is never 0.</param>
internal readonly record struct ClientAddress(ulong Id)
{
    // An IPv4 address takes a place among those of ::/8, which are not handed out.
    private const ulong Version4 = 0x0000_FFFF_0000_0000;

    // ::/64, where IPv6 loopback is; 0 itself stands for nothing.
    private const ulong Version6Zero = 1;

    /// <summary>Somebody whose connection has no address.</summary>
    public static ClientAddress Unknown { get; } = new(2);

    public static ClientAddress Of(IPAddress? address)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (address is null || !address.TryWriteBytes(bytes, out var length))
            return Unknown;
        if (length == sizeof(uint))
            return new(Version4 | BinaryPrimitives.ReadUInt32BigEndian(bytes));
        if (address.IsIPv4MappedToIPv6)
            return new(Version4 | BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]));
        var network = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        return new(network == 0 ? Version6Zero : network);
    }

    /// <summary>Reads an address or a network of 64 bits, as <see cref="ToString"/> writes it.</summary>
    public static bool TryParse(string text, out ClientAddress address)
    {
        address = default;
        var bare = text.EndsWith("/64", StringComparison.Ordinal) ? text[..^3] : text;
        if (!IPAddress.TryParse(bare, out var parsed) || (bare.Length != text.Length && parsed.AddressFamily == AddressFamily.InterNetwork))
            return false;
        address = Of(parsed);
        return true;
    }

    public override string ToString()
    {
        if ((Id & ~(ulong)uint.MaxValue) == Version4)
            return new IPAddress(BinaryPrimitives.ReverseEndianness((uint)Id)).ToString();
        if (this == Unknown)
            return "unknown";
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        BinaryPrimitives.WriteUInt64BigEndian(bytes, Id == Version6Zero ? 0 : Id);
        return $"{new IPAddress(bytes)}/64";
    }
}
