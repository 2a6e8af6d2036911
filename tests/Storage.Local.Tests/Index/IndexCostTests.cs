using EdgeCache.Storage.Local.Files;
using EdgeCache.Storage.Local.Index;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests.Index;

/// <summary>Measures memory and time, so nothing else may run beside it.</summary>
[CollectionDefinition(nameof(IndexCostTests), DisableParallelization = true)]
public sealed class IndexCostTestsAlone;

/// <summary>What a million entries cost. The limits that time has are wide: the machine may be slow and busy.</summary>
[Collection(nameof(IndexCostTests))]
public sealed class IndexCostTests(ITestOutputHelper output)
{
    private const int Million = 1_000_000;

    [Fact]
    public void An_entry_costs_less_than_80_bytes_at_any_count_and_less_than_200_after_removals()
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var index = new BlobIndex();
        var worst = 0.0;
        for (var i = 0u; i < Million;)
        {
            for (var more = 0; more < 50_000; more++, i++)
                index.Set(Entries.Of(Key(i), i + 1));
            var cost = PerEntry(before, index);
            worst = Math.Max(worst, cost);
            if (i % 250_000 == 0)
                output.WriteLine($"{i} entries: {cost:F1} bytes each");
        }
        PerEntry(before, index).ShouldBeLessThan(110);
        worst.ShouldBeLessThan(80);

        for (var i = 0u; i < Million * 9 / 10; i++)
        {
            index.TryGet(Key(i), out var entry);
            index.Remove(entry.Hash, entry.Segment, entry.Offset, out _);
        }
        var sparse = PerEntry(before, index);
        output.WriteLine($"worst at growth {worst:F1}; after nine in ten were removed {sparse:F1}");
        sparse.ShouldBeLessThan(200);
    }

    [Fact]
    public void A_look_up_allocates_nothing_and_takes_a_fraction_of_a_microsecond()
    {
        var index = Fill();
        Measure("hit in order of insertion", index, i => Key((uint)(i % Million)));
        Measure("hit", index, i => Key((uint)((i * 7919L) % Million)));
        Measure("miss", index, i => Key((uint)(Million + i)));
        Measure("hit on one hot key", index, _ => Key(1));
    }

    [Fact]
    public void A_million_entries_are_back_in_less_than_a_second()
    {
        using var folder = new TestFolder();
        var files = new DiskFileSystem(folder.Path);
        var path = folder.File("index");
        var header = new SnapshotHeader
        {
            StoreId = default,
            NextGeneration = 1,
            Segments = [.. Enumerable.Range(0, 16_000).Select(i => new SegmentPosition((uint)i, 0, 1))],
            Namespaces = Enumerable.Range(0, 1000).ToDictionary(i => (ushort)i, i => $"n{i}"),
        };
        var index = Fill();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var start = TimeProvider.System.GetTimestamp();
        IndexSnapshot.Write(files, path, index, header, () => { });
        output.WriteLine($"write with sync: {TimeProvider.System.GetElapsedTime(start).TotalMilliseconds:F0} ms, {new FileInfo(path).Length} bytes");

        start = TimeProvider.System.GetTimestamp();
        var read = IndexSnapshot.TryRead(files, path, default, out _).ShouldNotBeNull().Index;
        var time = TimeProvider.System.GetElapsedTime(start);
        output.WriteLine($"read: {time.TotalMilliseconds:F0} ms; {PerEntry(before, read):F1} bytes an entry");
        read.Count.ShouldBe(Million);
        time.ShouldBeLessThan(TimeSpan.FromSeconds(1));
        GC.KeepAlive(index);
    }

    private void Measure(string name, BlobIndex index, Func<int, KeyHash> key)
    {
        var keys = Enumerable.Range(0, Million).Select(key).ToArray();
        var best = double.MaxValue;
        var found = 0;
        for (var round = 0; round < 5; round++)
        {
            var allocated = GC.GetAllocatedBytesForCurrentThread();
            var start = TimeProvider.System.GetTimestamp();
            foreach (var hash in keys)
                found += index.TryGetAndTouch(hash, out _) ? 1 : 0;
            best = Math.Min(best, TimeProvider.System.GetElapsedTime(start).TotalNanoseconds / Million);
            (GC.GetAllocatedBytesForCurrentThread() - allocated).ShouldBe(0);
        }
        output.WriteLine($"{name}: {best:F0} ns a look-up, {found / 5} found");
        best.ShouldBeLessThan(1000);
    }

    private static BlobIndex Fill()
    {
        var index = new BlobIndex();
        for (var i = 0u; i < Million; i++)
            index.Set(Entries.Of(Key(i), i + 1));
        return index;
    }

    private static double PerEntry(long before, BlobIndex index)
    {
        var now = GC.GetTotalMemory(forceFullCollection: true);
        return (now - before) / (double)index.Count;
    }

    /// <summary>Uniform, and the same for ever: the mixer of SplitMix64.</summary>
    private static KeyHash Key(uint number) => new(Mix(number * 2UL), Mix((number * 2UL) + 1));

    private static ulong Mix(ulong value)
    {
        unchecked
        {
            value = (value + 1) * 0x9E3779B97F4A7C15;
            value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
            value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
            return value ^ (value >> 31);
        }
    }
}
