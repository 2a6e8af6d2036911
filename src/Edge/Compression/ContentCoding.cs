namespace EdgeCache.Edge.Compression;

/// <summary>The content codings that are spoken here (RFC 9110, section 8.4.1).</summary>
internal enum ContentCoding
{
    /// <summary>None.</summary>
    Identity,

    /// <summary><c>gzip</c>, and <c>x-gzip</c>, which is the same.</summary>
    Gzip,

    /// <summary><c>lz4</c>: the LZ4 frame format. Not registered, so it is for clients that ask for it by name.</summary>
    Lz4,

    /// <summary><c>zstd</c> (RFC 8878).</summary>
    Zstd,
}

/// <summary>Their names.</summary>
internal static class ContentCodings
{
    /// <summary>How many there are.</summary>
    public const int Count = (int)ContentCoding.Zstd + 1;

    /// <summary>All but <see cref="ContentCoding.Identity"/>, those first that are best to send where the other side has no preference.</summary>
    public static IReadOnlyList<ContentCoding> ByRank { get; } = [ContentCoding.Zstd, ContentCoding.Lz4, ContentCoding.Gzip];

    /// <summary>The name as it is written in header fields.</summary>
    public static string NameOf(ContentCoding coding) => coding switch
    {
        ContentCoding.Gzip => "gzip",
        ContentCoding.Lz4 => "lz4",
        ContentCoding.Zstd => "zstd",
        _ => "identity",
    };

    /// <summary>Finds a coding by its name, in any case.</summary>
    public static bool TryParse(ReadOnlySpan<char> name, out ContentCoding coding)
    {
        coding = name switch
        {
            _ when name.Equals("gzip", StringComparison.OrdinalIgnoreCase) || name.Equals("x-gzip", StringComparison.OrdinalIgnoreCase) => ContentCoding.Gzip,
            _ when name.Equals("lz4", StringComparison.OrdinalIgnoreCase) => ContentCoding.Lz4,
            _ when name.Equals("zstd", StringComparison.OrdinalIgnoreCase) => ContentCoding.Zstd,
            _ => ContentCoding.Identity,
        };
        return coding != ContentCoding.Identity || name.Equals("identity", StringComparison.OrdinalIgnoreCase);
    }
}
