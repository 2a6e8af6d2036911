using System.Text.Json.Serialization;

namespace EdgeCache.Edge.Observability;

/// <summary>What <c>/health</c> tells.</summary>
/// <param name="Status"><c>healthy</c>, <c>degraded</c> (the store has a fault) or <c>stopping</c>.</param>
/// <param name="Version">The product's version.</param>
/// <param name="UptimeSeconds">Whole seconds since the start.</param>
/// <param name="Storage">The store.</param>
/// <param name="HitRate">Part of the lookups since the start that were hits, 0 to 1.</param>
/// <param name="Requests">Requests since the start, this one not among them.</param>
internal sealed record HealthAnswer(string Status, string Version, long UptimeSeconds, StorageHealth Storage, double HitRate, long Requests);

/// <summary>The store, as health tells it.</summary>
/// <param name="UsedBytes">Disk space it takes, in allocated bytes.</param>
/// <param name="MaxBytes">Its limit in bytes.</param>
/// <param name="Blobs">Number of blobs.</param>
/// <param name="Fault">What it can't do and why; null when it reads and writes.</param>
/// <param name="FarFault">What is wrong with the far store, without which what is here is still served; null when it answers, or there is none.</param>
/// <param name="Rebuilding">How much of its log it has read, 0 to 1, while it finds out which blobs it has; null when it knows.</param>
internal sealed record StorageHealth(long UsedBytes, long MaxBytes, long Blobs, string? Fault, string? FarFault, double? Rebuilding);

/// <summary>What <c>/health/live</c> and <c>/health/ready</c> tell.</summary>
/// <param name="Status"><c>alive</c>, <c>ready</c> or <c>not ready</c>.</param>
/// <param name="Reason">Why it is not ready, or what it does not do yet although it is; else null.</param>
internal sealed record ProbeAnswer(string Status, string? Reason);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(HealthAnswer))]
[JsonSerializable(typeof(ProbeAnswer))]
internal sealed partial class HealthJson : JsonSerializerContext;
