using EdgeCache.Bench.Peers.Load;

namespace EdgeCache.Bench.Peers;

/// <summary>One of those compared in a case.</summary>
/// <param name="Name">As the tables show it.</param>
/// <param name="RunAsync">Runs the load once, for this many seconds.</param>
internal sealed record Contender(string Name, Func<int, CancellationToken, Task<Sample>> RunAsync);

/// <summary>One kind of work, which every contender does in turn.</summary>
/// <param name="Work">GET or PUT.</param>
/// <param name="Size">Bytes of the body.</param>
/// <param name="Connections">Connections at once.</param>
internal sealed record BenchCase(string Work, int Size, int Connections)
{
    public override string ToString() => $"{Work} {BodySize.Format(Size)}, {Connections} connection{(Connections == 1 ? "" : "s")}";
}

/// <summary>All samples of a case by contender, EdgeCache first; or the reason why there are none.</summary>
internal sealed record CaseResult(BenchCase Case, IReadOnlyList<(string Name, IReadOnlyList<Sample> Samples)> Contenders, string? Failure = null)
{
    public static CaseResult Failed(BenchCase @case, string reason) => new(@case, [], reason);
}
