namespace EdgeCache.Bench.HitRatio.Traces;

/// <summary>Traces in which every request is drawn by popularity, and what disturbs them.</summary>
internal static class PopularityTraces
{
    /// <summary>One-hit blobs are numbered from here, far from all others.</summary>
    private const int FirstScanned = 1 << 28;

    /// <summary>Popularity that never changes.</summary>
    public static void Steady(TraceWriter trace, Random random, int blobs, double alpha)
    {
        var zipf = new Zipf(blobs, alpha);
        while (!trace.IsFull)
        {
            trace.Add(zipf.Next(random));
        }
    }

    /// <summary>The same, and in each period a run of blobs that are never seen again.</summary>
    public static void WithScans(TraceWriter trace, Random random, int blobs, double share)
    {
        var zipf = new Zipf(blobs, 0.9);
        var period = blobs / 4;
        var scanned = FirstScanned;
        while (!trace.IsFull)
        {
            for (var request = 0; request < period * (1 - share); request++)
            {
                trace.Add(zipf.Next(random));
            }

            for (var request = 0; request < period * share; request++)
            {
                trace.Add(scanned++);
            }
        }
    }

    /// <summary>The window of known blobs moves on slowly: every few requests the least popular makes place for a new one of random rank.</summary>
    public static void Drifting(TraceWriter trace, Random random, int blobs)
    {
        var zipf = new Zipf(blobs, 0.9);
        var ranks = Enumerable.Range(0, blobs).ToArray();
        var next = blobs;
        while (!trace.IsFull)
        {
            trace.Add(ranks[zipf.Next(random)]);
            if (trace.Count % 10 == 0)
            {
                ranks[zipf.Next(random)] = next++;
            }
        }
    }

    /// <summary>Eight times in all, everything that was popular is replaced at once.</summary>
    public static void Abrupt(TraceWriter trace, Random random, int blobs, int requests)
    {
        var phaseBlobs = blobs / 4;
        var zipf = new Zipf(phaseBlobs, 0.9);
        while (!trace.IsFull)
        {
            var phase = (int)(trace.Count * 8L / requests);
            trace.Add((phase * phaseBlobs) + zipf.Next(random));
        }
    }

    /// <summary>The same blobs in the same order, again and again: the worst there is for LRU.</summary>
    public static void Loop(TraceWriter trace, int blobs)
    {
        for (var request = 0; !trace.IsFull; request++)
        {
            trace.Add(request % blobs);
        }
    }
}
