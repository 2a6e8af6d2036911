using EdgeCache.Bench.Peers.Load;

namespace EdgeCache.Bench.Peers.Reports;

/// <summary>EdgeCache against one peer in one case: ratios of medians.</summary>
/// <param name="Case">The work.</param>
/// <param name="Peer">The other side.</param>
/// <param name="Rate">Requests a second, EdgeCache / peer.</param>
/// <param name="RateLow">The lowest such ratio of a single round.</param>
/// <param name="RateHigh">The highest such ratio of a single round.</param>
/// <param name="WorkPerCpu">Requests for a second of server processor time, EdgeCache / peer; NaN where the peer's cost is unknown.</param>
/// <param name="P99">99th percentile of the answer time, EdgeCache / peer: here less is better.</param>
internal sealed record Ratio(BenchCase Case, string Peer, double Rate, double RateLow, double RateHigh, double WorkPerCpu, double P99)
{
    public static IEnumerable<Ratio> All(CaseResult result) =>
        result.Contenders.Skip(1).Select(peer => Of(result.Case, result.Contenders[0].Samples, peer.Name, peer.Samples));

    private static Ratio Of(BenchCase @case, IReadOnlyList<Sample> own, string peer, IReadOnlyList<Sample> others)
    {
        var rounds = own.Zip(others, (mine, other) => mine.Rate / other.Rate).ToList();
        return new(
            @case,
            peer,
            Median(own, sample => sample.Rate) / Median(others, sample => sample.Rate),
            rounds.Min(),
            rounds.Max(),
            Median(others, sample => sample.CpuMicroseconds) / Median(own, sample => sample.CpuMicroseconds),
            Median(own, sample => sample.Load.P99) / Median(others, sample => sample.Load.P99));
    }

    public static double Median(IReadOnlyList<Sample> samples, Func<Sample, double> figure)
    {
        var sorted = samples.Select(figure).Order().ToList();
        return (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
    }

    public override string ToString() =>
        $"EdgeCache / {Peer}: rate {Rate:F2} ({RateLow:F2} to {RateHigh:F2}){(double.IsNaN(WorkPerCpu) ? "" : $", work per CPU {WorkPerCpu:F2}")}, p99 {P99:F2}";
}
