using System.Text.Json.Serialization;

namespace EdgeCache.Edge.Purging;

/// <summary>What <c>POST /admin/purge</c> takes. Exactly one of keys, prefix, tag, writer and all says which blobs.</summary>
internal sealed record PurgeText
{
    public string? Namespace { get; init; }

    /// <summary>Keys, at most <see cref="PurgePlan.MaxKeys"/>.</summary>
    public string[]? Keys { get; init; }

    public string? Prefix { get; init; }

    public string? Tag { get; init; }

    public string? Writer { get; init; }

    public bool All { get; init; }

    /// <summary><c>hard</c> (the default), <c>soft</c> or <c>local</c>.</summary>
    public string? Mode { get; init; }

    /// <summary>Whether the providers that are configured are told too. Default: yes.</summary>
    public bool? Outward { get; init; }
}

/// <summary>How a purge is doing.</summary>
internal sealed record PurgeReport
{
    public required string Id { get; init; }

    /// <summary><c>waiting</c>, <c>running</c>, <c>done</c>, <c>failed</c> or <c>cancelled</c>.</summary>
    public required string State { get; init; }

    public required string Namespace { get; init; }

    public required string What { get; init; }

    public required string Mode { get; init; }

    public required DateTimeOffset Asked { get; init; }

    public DateTimeOffset? Ended { get; init; }

    /// <summary>Blobs that were looked at so far.</summary>
    public long Found { get; init; }

    /// <summary>Of these, how many were purged.</summary>
    public long Purged { get; init; }

    /// <summary>How many were written again since, and stay.</summary>
    public long Kept { get; init; }

    /// <summary>How many could not be purged.</summary>
    public long Failed { get; init; }

    /// <summary>What went wrong first, or what is worth knowing.</summary>
    public string? Detail { get; init; }

    /// <summary>What the providers said.</summary>
    public IReadOnlyList<OutwardReport> Outward { get; init; } = [];
}

/// <summary>What came of telling a provider.</summary>
/// <param name="Provider">Its name in the configuration.</param>
/// <param name="Ok">Whether it took everything.</param>
/// <param name="Calls">How many calls were made, repeated ones not counted.</param>
/// <param name="What">What it was told to remove.</param>
/// <param name="Detail">What it answered, or why not.</param>
internal sealed record OutwardReport(string Provider, bool Ok, int Calls, string What, string? Detail);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, AllowDuplicateProperties = false, MaxDepth = 8)]
[JsonSerializable(typeof(PurgeText))]
[JsonSerializable(typeof(PurgeReport))]
[JsonSerializable(typeof(IReadOnlyList<PurgeReport>))]
internal sealed partial class PurgeJson : JsonSerializerContext;
