using System.Globalization;
using System.Text;

namespace EdgeCache.Bench.Peers.Load;

/// <summary>
/// Bodies of PUTs: the payload with its first bytes replaced by who sends it and the how-manieth it is. Distinct keys with equal
/// content would flatter a store that recognises content.
/// </summary>
internal static class PutBody
{
    /// <summary>Two numbers of eight hexadecimal digits; the Lua script writes the same.</summary>
    public const int StampLength = 16;

    public static void Stamp(Span<byte> body, int sender, int number) =>
        Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{sender:x8}{number:x8}"), body);

    public static byte[] Expected(string payload, int sender, int number)
    {
        var body = File.ReadAllBytes(payload);
        Stamp(body, sender, number);
        return body;
    }
}
