using System.Net;

namespace EdgeCache.Edge.Configuration;

/// <summary>Networks as people write them: <c>10.0.0.0/8</c>, <c>2001:db8::/32</c>, or a single address.</summary>
internal static class NetworkText
{
    /// <summary>The network; null when the text is none.</summary>
    public static IPNetwork? TryParse(string text)
    {
        if (IPNetwork.TryParse(text, out var network))
            return network;
        return IPAddress.TryParse(text, out var address) ? new IPNetwork(address, address.GetAddressBytes().Length * 8) : null;
    }

    /// <summary>Whether one of the networks has the address; an IPv4 address that came in over IPv6 counts as what it is.</summary>
    public static bool IsIn(IReadOnlyList<IPNetwork> networks, IPAddress address)
    {
        if (networks.Count == 0)
            return false;
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        for (var i = 0; i < networks.Count; i++)
        {
            if (networks[i].Contains(address))
                return true;
        }
        return false;
    }

    /// <summary>Reports every text of a list that is no network.</summary>
    public static void Check(string key, IEnumerable<string> texts, ConfigurationErrors errors)
    {
        foreach (var text in texts.Where(t => TryParse(t) is null))
            errors.AddKey(key, $"\"{text}\" must be a network such as 10.0.0.0/8 or 2001:db8::/32 (with nothing set beyond its length), or an address.");
    }
}
