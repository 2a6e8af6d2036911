namespace EdgeCache.Bench.Peers;

/// <summary>A comparison cannot go on, or its figures would be wrong. The message is for the person at the terminal.</summary>
internal class BenchException(string message) : Exception(message);

/// <summary>A program that the comparison needs is not installed.</summary>
internal sealed class MissingToolException(string message) : BenchException(message);
