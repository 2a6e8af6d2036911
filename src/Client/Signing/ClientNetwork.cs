using System.Globalization;
using System.Net;

namespace EdgeCache.Client.Signing;

/// <summary>An address, or a network as address and prefix length, whatever the bits behind the prefix are.</summary>
/// <param name="Text">As it was written.</param>
internal sealed record ClientNetwork(string Text)
{
    private byte[] _bytes = [];
    private int _prefix;

    public static bool TryParse(ReadOnlySpan<char> text, out ClientNetwork network)
    {
        network = null!;
        if (text.Length is 0 or > 64)
            return false;
        var slash = text.IndexOf('/');
        if (!IPAddress.TryParse(slash < 0 ? text : text[..slash], out var address) || address.ToString() is not { } canonical || !text[..(slash < 0 ? text.Length : slash)].Equals(canonical, StringComparison.OrdinalIgnoreCase))
            return false;
        var bytes = address.GetAddressBytes();
        var prefix = bytes.Length * 8;
        if (slash >= 0 && (!int.TryParse(text[(slash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out prefix) || prefix > bytes.Length * 8))
            return false;
        network = new ClientNetwork(text.ToString()) { _bytes = bytes, _prefix = prefix };
        return true;
    }

    /// <summary>Whether an address belongs to it. 0.0.0.0/0 is everybody, also with an IPv6 address, as CloudFront has it.</summary>
    public bool Contains(IPAddress? address)
    {
        if (_prefix == 0)
            return true;
        if (address is null)
            return false;
        if (address.IsIPv4MappedToIPv6 && _bytes.Length == 4)
            address = address.MapToIPv4();
        Span<byte> bytes = stackalloc byte[16];
        if (!address.TryWriteBytes(bytes, out var length) || length != _bytes.Length)
            return false;
        var whole = _prefix / 8;
        if (!bytes[..whole].SequenceEqual(_bytes.AsSpan(0, whole)))
            return false;
        var rest = _prefix % 8;
        return rest == 0 || (bytes[whole] ^ _bytes[whole]) >> (8 - rest) == 0;
    }
}
