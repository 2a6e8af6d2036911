using System.Security.Cryptography;
using EdgeCache.Storage;
using Microsoft.Extensions.Primitives;

namespace EdgeCache.Edge.Delivery;

/// <summary>
/// The digests that a request gives for its content (RFC 9530): Repr-Digest and Content-Digest, which mean the same bytes as long as a request has neither
/// content coding nor range. Algorithms other than sha-256 and sha-512 are passed over, as the RFC wants.
/// </summary>
/// <param name="Sha256">The SHA-256, if given.</param>
/// <param name="Sha512">The SHA-512, if given.</param>
internal readonly record struct DigestFields(Sha256Digest? Sha256, byte[]? Sha512)
{
    /// <summary>Longest field value that is looked at, in characters.</summary>
    private const int MaxLength = 4096;

    /// <summary>Reads both fields; null and a sentence when one of them can't be understood or they contradict each other.</summary>
    public static string? TryRead(IHeaderDictionary headers, out DigestFields digests)
    {
        digests = default;
        return Read("Repr-Digest", headers["Repr-Digest"], ref digests) ?? Read("Content-Digest", headers["Content-Digest"], ref digests);
    }

    private static string? Read(string name, StringValues field, ref DigestFields digests)
    {
        foreach (var line in field)
        {
            if (line is null)
                continue;
            if (line.Length > MaxLength)
                return $"{name} is too long.";
            foreach (var member in line.Split(',', StringSplitOptions.TrimEntries))
            {
                if (ReadMember(name, member, ref digests) is { } fault)
                    return fault;
            }
        }
        return null;
    }

    private static string? ReadMember(string name, string member, ref DigestFields digests)
    {
        var equals = member.IndexOf('=', StringComparison.Ordinal);
        var size = (equals < 0 ? "" : member[..equals]) switch
        {
            "sha-256" => SHA256.HashSizeInBytes,
            "sha-512" => SHA512.HashSizeInBytes,
            "" => -1,
            _ => 0,
        };
        if (size == 0)
            return null;
        if (size < 0 || member[(equals + 1)..] is not [':', .. var base64, ':'] || !TryDecode(base64, size, out var value))
            return $"{name} must be a list of algorithm=:base64:, with the digest's full length.";
        if (size == SHA512.HashSizeInBytes)
        {
            if (digests.Sha512 is not null && !digests.Sha512.AsSpan().SequenceEqual(value))
                return "The request gives two different SHA-512 digests.";
            digests = digests with { Sha512 = value };
            return null;
        }
        var sha256 = new Sha256Digest(value);
        if (digests.Sha256 is { } other && other != sha256)
            return "The request gives two different SHA-256 digests.";
        digests = digests with { Sha256 = sha256 };
        return null;
    }

    private static bool TryDecode(string base64, int size, out byte[] value)
    {
        value = new byte[size];
        return Convert.TryFromBase64String(base64, value, out var written) && written == size;
    }
}
