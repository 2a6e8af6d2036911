using System.Runtime.CompilerServices;
using EdgeCache.Edge.Limits;

namespace EdgeCache.Edge.Tests.Limits;

public sealed class LimitTableTests
{
    private const long Second = 1_000_000_000;

    [Fact]
    public void A_client_is_found_again_with_what_was_kept()
    {
        var table = new LimitTable(1_024);
        for (ulong id = 1; id <= 100; id++)
            table.GetOrAdd(id, Second).Requests = (long)id + Second;
        for (ulong id = 1; id <= 100; id++)
            table.GetOrAdd(id, Second).Requests.ShouldBe((long)id + Second);
        table.Count(Second).ShouldBe(100);
        Unsafe.IsNullRef(ref table.Find(101)).ShouldBeTrue();
    }

    [Fact]
    public void A_million_addresses_leave_the_table_as_large_as_it_was()
    {
        var table = new LimitTable(16_384);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (ulong id = 1; id <= 1_000_000; id++)
            table.GetOrAdd(id, Second).Requests = 2 * Second;
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(1_000);
        table.Capacity.ShouldBe(16_384);
        table.Count(Second).ShouldBe(16_384);
        table.Replaced.ShouldBe(1_000_000 - 16_384);
    }

    [Fact]
    public void Somebody_idle_goes_before_somebody_who_has_used_up_something()
    {
        var table = new LimitTable(1_024);
        // Few enough that no set is full of them, wherever they fall.
        ulong[] busy = [.. Enumerable.Range(1, 100).Select(i => (ulong)i)];
        foreach (var id in busy)
            table.GetOrAdd(id, Second).Requests = 100 * Second;

        // So many that every place was wanted many times, each idle again when the next comes.
        for (ulong id = 1_000; id < 100_000; id++)
            table.GetOrAdd(id, 2 * Second).Requests = 2 * Second;

        busy.Count(id => !Unsafe.IsNullRef(ref table.Find(id))).ShouldBe(100);
        table.Replaced.ShouldBe(0);
    }

    [Fact]
    public void A_bad_name_is_not_lost_to_a_flood_of_fresh_addresses()
    {
        var table = new LimitTable(1_024);
        Demerits.Add(ref table.GetOrAdd(7, Second).Demerits, Demerits.Most, Second, 600 * Second);
        for (ulong id = 1_000; id < 100_000; id++)
            table.GetOrAdd(id, Second).Requests = 10 * Second;
        Demerits.At(table.GetOrAdd(7, Second).Demerits, Second, 600 * Second).ShouldBe(Demerits.Most);
    }

    [Fact]
    public void A_client_has_one_place_however_many_ask_at_once()
    {
        var table = new LimitTable(8_192);
        Parallel.For(0, 4, _ =>
        {
            for (ulong id = 1; id <= 1_000; id++)
                Interlocked.Increment(ref table.GetOrAdd(id, Second).Bytes);
        });
        var all = table.All().ToList();
        all.Select(s => s.Id).Distinct().Count().ShouldBe(all.Count);
        all.Count.ShouldBeInRange(990, 1_000);
        all.Where(s => s.Bytes != 4).Count().ShouldBeLessThan(20, "a set may be too full for all of its own");
    }

    [Fact]
    public void A_place_takes_forty_eight_bytes() => Unsafe.SizeOf<ClientSlot>().ShouldBe(48);
}
