namespace EdgeCache.Bench.HitRatio.Traces;

/// <summary>
/// Builds of a trunk and a few branches. A target's artifact is another blob as soon as its sources change, so every blob is written
/// once. A change is written by the first build and read by the next few: other jobs, other people. Every so often a nightly build
/// with other flags writes all targets; most of that is never read.
/// </summary>
/// <param name="trace">Where the requests go.</param>
/// <param name="random">Decides everything.</param>
/// <param name="targets">Artifacts of a full build.</param>
/// <param name="clients">Builds that run at the same time.</param>
internal sealed class BuildTrace(TraceWriter trace, Random random, int targets, int clients)
{
    private const int LiveBranches = 8;
    private const int BuildsPerNight = 40;

    private readonly int[] _trunk = new int[targets];
    private readonly List<int[]> _branches = [];
    private readonly List<Queue<int>> _running = [];
    private int _next;

    public void Write()
    {
        Change(_trunk, 0, targets);
        for (var build = 1; !trace.IsFull; build++)
        {
            BuildOnce();
            if (build % BuildsPerNight == 0)
            {
                Nightly();
            }
        }
    }

    private void BuildOnce()
    {
        var tree = Pick();
        ChangeSome(tree);
        var readers = random.Next(1, 4);
        for (var reader = 0; reader < readers; reader++)
        {
            Read(tree);
        }

        RetireOne();
    }

    /// <summary>A third of the builds are of the trunk; work on a branch begins at today's trunk.</summary>
    private int[] Pick()
    {
        if (random.Next(3) == 0)
        {
            return _trunk;
        }

        if (_branches.Count < LiveBranches)
        {
            _branches.Add([.. _trunk]);
        }

        return _branches[random.Next(_branches.Count)];
    }

    /// <summary>Mostly a few targets; now and then a change deep down, which rebuilds much of the tree.</summary>
    private void ChangeSome(int[] tree)
    {
        var share = random.Next(20) == 0 ? 0.3 : 0.02;
        var count = (int)(targets * share * random.NextDouble()) + 1;
        Change(tree, random.Next(targets - count), count);
    }

    private void Change(int[] tree, int first, int count)
    {
        for (var target = first; target < first + count; target++)
        {
            tree[target] = _next++;
        }
    }

    /// <summary>A client that has much of the tree already asks for a part of it.</summary>
    private void Read(int[] tree)
    {
        var count = random.Next(targets / 10, targets);
        var first = random.Next(targets - count);
        _running.Add(new(tree.AsSpan(first, count).ToArray()));
        while (_running.Count >= clients)
        {
            Proceed(_running[random.Next(_running.Count)]);
        }
    }

    /// <summary>One client gets on by a few targets.</summary>
    private void Proceed(Queue<int> client)
    {
        for (var step = 0; step < 16 && client.TryDequeue(out var artifact); step++)
        {
            trace.Add(artifact);
        }

        if (client.Count == 0)
        {
            _running.Remove(client);
        }
    }

    /// <summary>One build in ten ends a branch: half of them are merged, so the trunk has their artifacts, and the others are dropped.</summary>
    private void RetireOne()
    {
        if (_branches.Count == 0 || random.Next(10) != 0)
        {
            return;
        }

        var branch = _branches[random.Next(_branches.Count)];
        _branches.Remove(branch);
        if (random.Next(2) == 0)
        {
            branch.CopyTo(_trunk, 0);
        }
    }

    private void Nightly()
    {
        var artifacts = Enumerable.Range(_next, targets).ToArray();
        _next += targets;
        Array.ForEach(artifacts, trace.Add);
        foreach (var artifact in artifacts.Where(_ => random.Next(20) == 0))
        {
            trace.Add(artifact);
        }
    }
}
