using EdgeCache.Storage.Local.Index;
using EdgeCache.Storage.Local.Memory;

namespace EdgeCache.Storage.Local.Tests.Memory;

public sealed class SieveCacheTests
{
    private const int Budget = 100;

    [Fact]
    public void What_is_asked_for_stays_and_what_only_passes_goes()
    {
        var cache = new SieveCache<Node>(Budget);
        for (var i = 0u; i < 50; i++)
            cache.TryAdd(new Node(Entry(i), 1)).ShouldBeTrue();
        for (var i = 0u; i < 10_000; i++)
        {
            for (var hot = 0u; hot < 50; hot++)
                cache.Find(Entry(hot)).ShouldNotBeNull($"{hot} after {i}");
            cache.TryAdd(new Node(Entry(1000 + i), 1)).ShouldBeTrue();
        }
        cache.Count.ShouldBe(Budget);
        cache.Evictions.ShouldBe(10_050 - Budget);
    }

    [Fact]
    public void The_costs_never_add_up_to_more_than_the_budget_and_every_node_that_went_was_told_once()
    {
        var random = new Random(7);
        var cache = new SieveCache<Node>(Budget);
        var all = new List<Node>();
        for (var i = 0; i < 20_000; i++)
        {
            var entry = Entry((uint)random.Next(200));
            switch (random.Next(4))
            {
                case 0: cache.Remove(entry.Hash); break;
                case 1: cache.Find(entry); break;
                default:
                    var node = new Node(entry, random.Next(1, 16));
                    if (cache.TryAdd(node))
                        all.Add(node);
                    else
                        node.Cost.ShouldBeGreaterThan(Budget / 8);
                    break;
            }
            cache.Used.ShouldBeLessThanOrEqualTo(Budget);
            if (i % 100 != 0)
                continue;
            all.Where(n => n.Removed == 0).Sum(n => n.Cost).ShouldBe(cache.Used);
            all.Count(n => n.Removed == 0).ShouldBe((int)cache.Count);
        }
        cache.Close();
        all.ShouldAllBe(n => n.Removed == 1);
        cache.TryAdd(new Node(Entry(1), 1)).ShouldBeFalse();
    }

    [Fact]
    public void A_node_is_found_by_exactly_its_record()
    {
        var cache = new SieveCache<Node>(Budget);
        var entry = Entry(1);
        cache.TryAdd(new Node(entry, 1));
        foreach (var (segment, offset) in new[] { (entry.Segment + 1, entry.Offset), (entry.Segment, entry.Offset + 1) })
        {
            var other = entry;
            (other.Segment, other.Offset) = (segment, offset);
            cache.Find(other).ShouldBeNull();
            cache.TryAdd(new Node(other, 1));
            cache.Find(other).ShouldNotBeNull();
            cache.Find(entry).ShouldBeNull("a key has one record");
            cache.TryAdd(new Node(entry, 1));
        }
        cache.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Threads_that_add_find_and_remove_leave_it_whole()
    {
        var cache = new SieveCache<Node>(Budget);
        var nodes = await Task.WhenAll(Enumerable.Range(0, 4).Select(seed => Task.Run(() =>
        {
            var random = new Random(seed);
            var mine = new List<Node>();
            for (var i = 0; i < 50_000; i++)
            {
                var entry = Entry((uint)random.Next(150));
                if (random.Next(10) == 0)
                    cache.Remove(entry.Hash);
                else if (cache.Find(entry) is null && new Node(entry, 1) is var node && cache.TryAdd(node))
                    mine.Add(node);
            }
            return mine;
        })));
        nodes.SelectMany(n => n).Count(n => n.Removed == 0).ShouldBe((int)cache.Count);
        cache.Count.ShouldBeLessThanOrEqualTo(Budget);
        cache.Close();
        nodes.SelectMany(n => n).ShouldAllBe(n => n.Removed == 1);
    }

    private static IndexEntry Entry(uint number) => new() { Hash = new KeyHash(number * 0x9E37_79B9_7F4A_7C15, number), Segment = 1 + number, Offset = number, Length = 1 };

    private sealed class Node(in IndexEntry entry, long cost) : CacheNode(entry, cost)
    {
        private int _removed;

        public int Removed => Volatile.Read(ref _removed);

        public override void OnRemoved() => Interlocked.Increment(ref _removed);
    }
}
