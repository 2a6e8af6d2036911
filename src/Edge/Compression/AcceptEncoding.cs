using Microsoft.Extensions.Primitives;

namespace EdgeCache.Edge.Compression;

/// <summary>
/// What a request accepts (Accept-Encoding, RFC 9110, section 12.5.3), as far as this node can send it. Without the field nothing but identity is sent, though the RFC would
/// allow it: build tools that ask for nothing take an encoded body for the content. Reading it allocates nothing.
/// </summary>
internal readonly struct AcceptEncoding
{
    /// <summary>Longest field that is looked at, in characters, and most of its members. What is beyond asks for nothing.</summary>
    private const int MaxLength = 1024;
    private const int MaxMembers = 64;

    /// <summary>The weight of what is named without one, in thousandths.</summary>
    private const short Full = 1000;

    /// <summary>The weight of identity where the field does not speak of it: it may be sent, and anything that is asked for is better.</summary>
    private const short Least = 1;

    // Weights in thousandths, one more than the field says: 0 is one that the field does not name.
    private readonly short _identity;
    private readonly short _gzip;
    private readonly short _lz4;
    private readonly short _zstd;
    private readonly short _any;

    private AcceptEncoding(ReadOnlySpan<short> weights, short any) =>
        (_identity, _gzip, _lz4, _zstd, _any) = (weights[(int)ContentCoding.Identity], weights[(int)ContentCoding.Gzip], weights[(int)ContentCoding.Lz4], weights[(int)ContentCoding.Zstd], any);

    /// <summary>Whether nothing but identity is to be sent, and that is welcome.</summary>
    public bool IsIdentityOnly => QualityOf(ContentCoding.Identity) > 0 && QualityOf(ContentCoding.Gzip) == 0 && QualityOf(ContentCoding.Lz4) == 0 && QualityOf(ContentCoding.Zstd) == 0;

    /// <summary>Reads the field. A member that can't be understood counts as one that is not there; of two that name the same coding, the lower weight counts.</summary>
    public static AcceptEncoding Parse(StringValues field)
    {
        if (field.Count == 0)
            return default;
        Span<short> weights = stackalloc short[ContentCodings.Count];
        weights.Clear();
        var (any, length, members) = ((short)0, 0, 0);
        for (var i = 0; i < field.Count; i++)
        {
            var line = field[i].AsSpan();
            if ((length += line.Length) > MaxLength)
                return default;
            foreach (var range in line.Split(','))
            {
                if (++members > MaxMembers)
                    return default;
                if (!TryReadMember(line[range], out var name, out var weight))
                    continue;
                if (name is "*")
                    Lower(ref any, weight);
                else if (ContentCodings.TryParse(name, out var coding))
                    Lower(ref weights[(int)coding], weight);
            }
        }
        return new AcceptEncoding(weights, any);
    }

    /// <summary>How welcome a coding is, 1 to 1000; 0 when it must not be sent.</summary>
    public int QualityOf(ContentCoding coding) => coding switch
    {
        ContentCoding.Identity => _identity > 0 ? _identity - 1 : _any > 0 ? _any - 1 : Least,
        ContentCoding.Gzip => Named(_gzip, _any),
        ContentCoding.Zstd => Named(_zstd, _any),

        // "*" is said by those who know what is registered.
        _ => Named(_lz4, 0),
    };

    private static int Named(short weight, short otherwise) => Math.Max(0, (weight > 0 ? weight : otherwise) - 1);

    private static void Lower(ref short weight, short found) => weight = weight == 0 ? (short)(found + 1) : Math.Min(weight, (short)(found + 1));

    private static bool TryReadMember(ReadOnlySpan<char> member, out ReadOnlySpan<char> name, out short weight)
    {
        weight = Full;
        var semicolon = member.IndexOf(';');
        name = (semicolon < 0 ? member : member[..semicolon]).Trim(" \t");
        return name.Length > 0 && (semicolon < 0 || TryReadWeight(member[(semicolon + 1)..].Trim(" \t"), out weight));
    }

    /// <summary>A weight (RFC 9110, section 12.4.2): <c>q=</c> and 0 to 1 with at most three digits behind the point.</summary>
    private static bool TryReadWeight(ReadOnlySpan<char> text, out short weight)
    {
        weight = 0;
        if (text.Length is < 3 or > 7 || text[0] is not ('q' or 'Q') || text[1] != '=' || text[2] is not ('0' or '1') || (text.Length > 3 && text[3] != '.'))
            return false;
        var thousandths = (text[2] - '0') * Full;
        var unit = Full / 10;
        foreach (var digit in text.Length > 4 ? text[4..] : default)
        {
            if (!char.IsAsciiDigit(digit))
                return false;
            thousandths += (digit - '0') * unit;
            unit /= 10;
        }
        weight = (short)thousandths;
        return thousandths <= Full;
    }
}
