namespace EdgeCache.Bench.Far;

/// <summary>What to measure and over which network.</summary>
/// <param name="Rounds">Measured runs of each contender, taking turns; medians are reported.</param>
/// <param name="Seconds">Length of a run of hits.</param>
/// <param name="RoundTrip">Time that the network adds to each request to the bucket.</param>
/// <param name="MiBPerSecond">What the network carries.</param>
/// <param name="MiB">Length of the artifact that is missing here.</param>
internal sealed record Settings(int Rounds, int Seconds, TimeSpan RoundTrip, int MiBPerSecond, int MiB);
