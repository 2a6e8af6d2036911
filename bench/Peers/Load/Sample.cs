namespace EdgeCache.Bench.Peers.Load;

/// <summary>What a load generator saw in one run.</summary>
/// <param name="Requests">Requests answered; a part of one counts as a part.</param>
/// <param name="Seconds">Time they took.</param>
/// <param name="P99">The time within which 99 of 100 were answered, in milliseconds; NaN if none was answered to its end.</param>
internal readonly record struct LoadResult(double Requests, double Seconds, double P99);

/// <summary>One measured run: what the client saw and what it cost the server. A cost that nobody measured is NaN.</summary>
internal readonly record struct Sample(LoadResult Load, double CpuSeconds)
{
    /// <summary>Requests a second.</summary>
    public double Rate => Load.Requests / Load.Seconds;

    /// <summary>User and system time of the server for one request, in microseconds.</summary>
    public double CpuMicroseconds => CpuSeconds * 1e6 / Load.Requests;

    public string Describe(int size)
    {
        var cpu = double.IsNaN(CpuSeconds) ? "" : $"  CPU {CpuMicroseconds,10:N1} µs each";
        return $"{Rate,11:N1}/s  {Rate * size / BodySize.MiB,8:N1} MiB/s  p99 {Load.P99,9:N2} ms{cpu}";
    }

    public static double Percentile99(List<double> milliseconds)
    {
        if (milliseconds.Count == 0)
        {
            throw new BenchException("Not one request was answered in time.");
        }

        milliseconds.Sort();
        return milliseconds[(int)Math.Ceiling(milliseconds.Count * 0.99) - 1];
    }
}
