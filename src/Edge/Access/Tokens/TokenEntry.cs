using System.Text.Json.Serialization;

namespace EdgeCache.Edge.Access;

/// <summary>One token in the list, as the file spells it.</summary>
internal sealed record TokenEntry
{
    /// <summary>Its name: what writes record and logs tell.</summary>
    public required string Name { get; init; }

    /// <summary>The SHA-256 of the token in lower-case hexadecimal. The token itself is nowhere.</summary>
    public required string Sha256 { get; init; }

    public required string[] Scopes { get; init; }

    public string[] Namespaces { get; init; } = [];

    public string[] Tenants { get; init; } = [];

    public string[] Prefixes { get; init; } = [];

    public DateTimeOffset Created { get; init; }

    /// <summary>When it ends; null for never.</summary>
    public DateTimeOffset? Expires { get; init; }

    /// <summary>Limits that are its own; null for those of every principal.</summary>
    public TokenLimits? Limits { get; init; }
}

/// <summary>Limits of one token. 0 is no limit.</summary>
internal sealed record TokenLimits
{
    public int RequestsPerSecond { get; init; }

    /// <summary>Requests at once; 0 is one second's worth.</summary>
    public int Burst { get; init; }

    public long BytesPerSecond { get; init; }
}

/// <summary>The whole file.</summary>
internal sealed record TokenListContent
{
    public required string Format { get; init; }

    public required int Version { get; init; }

    public required TokenEntry[] Tokens { get; init; }
}

/// <summary>What is looked at first: a newer version may have anything else in it.</summary>
internal sealed record TokenListHead(string? Format, int Version);

// A field that is not known may be one that narrows what a token may do: it must not be read past.
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    WriteIndented = true,
    RespectNullableAnnotations = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(TokenListContent))]
internal sealed partial class TokenListJson : JsonSerializerContext;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(TokenListHead))]
internal sealed partial class TokenListHeadJson : JsonSerializerContext;
