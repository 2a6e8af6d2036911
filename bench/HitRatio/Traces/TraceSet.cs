namespace EdgeCache.Bench.HitRatio.Traces;

/// <summary>All traces by name. The same number of requests and the same seed always give the same traces.</summary>
internal sealed class TraceSet(int requests, int seed)
{
    private readonly int _blobs = Math.Max(1000, requests / 5);

    public IEnumerable<Func<Trace>> All()
    {
        foreach (var (name, generate) in Generators())
        {
            yield return () => Make(name, fixedSize: true, generate);
            yield return () => Make(name, fixedSize: false, generate);
        }
    }

    private IEnumerable<(string Name, Action<TraceWriter, Random> Generate)> Generators()
    {
        foreach (var alpha in (double[])[0.7, 0.9, 1.1])
        {
            yield return ($"Zipf {alpha}", (trace, random) => PopularityTraces.Steady(trace, random, _blobs, alpha));
        }

        foreach (var percent in (int[])[10, 30, 50])
        {
            yield return ($"Zipf 0.9, {percent} % scans", (trace, random) => PopularityTraces.WithScans(trace, random, _blobs, percent / 100.0));
        }

        yield return ("drift", (trace, random) => PopularityTraces.Drifting(trace, random, _blobs));
        yield return ("abrupt change", (trace, random) => PopularityTraces.Abrupt(trace, random, _blobs, requests));
        yield return ("loop", (trace, _) => PopularityTraces.Loop(trace, _blobs / 5));
        yield return ("builds", (trace, random) => new BuildTrace(trace, random, _blobs / 50, clients: 1).Write());
        yield return ("builds, 8 at once", (trace, random) => new BuildTrace(trace, random, _blobs / 50, clients: 8).Write());
    }

    private Trace Make(string name, bool fixedSize, Action<TraceWriter, Random> generate)
    {
        var trace = new TraceWriter(requests);
        generate(trace, new Random(seed));
        return trace.Finish(name, fixedSize, seed + 1);
    }
}
