using EdgeCache.Storage.Local.Outbox;
using EdgeCache.Storage.Tiering;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests.Outbox;

public sealed class SqliteOutboxTests : OutboxTest
{
    [Fact]
    public async Task What_is_added_waits_in_order_until_it_is_removed_also_over_a_start()
    {
        await using (var outbox = await OpenAsync())
        {
            foreach (var name in new[] { "c", "a", "b" })
                await AddAsync(outbox, name);
            Waiting(outbox).ShouldBe(["c", "a", "b"]);
        }
        await using (var again = await OpenAsync())
        {
            Waiting(again).ShouldBe(["c", "a", "b"]);
            var entries = again.ListWaiting(0, 10);
            entries[0].ShouldBe(new OutboxEntry(Blobs.Key("c"), entries[0].Number, 10, Clock.GetUtcNow()));
            again.Contains(Blobs.Key("a")).ShouldBeTrue();
            await again.RemoveAsync(entries[1], Cancel);
            again.Contains(Blobs.Key("a")).ShouldBeFalse();
            again.ListWaiting(entries[0].Number, 10).ShouldBe([entries[2]]);
            again.ListWaiting(0, 1).ShouldBe([entries[0]]);
        }
        await using var last = await OpenAsync();
        Waiting(last).ShouldBe(["c", "b"]);
    }

    [Fact]
    public async Task A_newer_entry_of_a_key_takes_the_place_of_the_old_and_only_its_own_number_removes_or_parks_it()
    {
        await using var outbox = await OpenAsync();
        var old = await AddAsync(outbox, "k", 10);
        await AddAsync(outbox, "other");
        var next = await AddAsync(outbox, "k", 30);

        next.Number.ShouldBeGreaterThan(old.Number);
        Waiting(outbox).ShouldBe(["other", "k"]);
        await outbox.RemoveAsync(old, Cancel);
        await outbox.ParkAsync(old, "no", Cancel);
        Waiting(outbox).ShouldBe(["other", "k"]);
        outbox.State.WaitingBytes.ShouldBe(40);
        await outbox.RemoveAsync(next, Cancel);
        Waiting(outbox).ShouldBe(["other"]);
    }

    [Fact]
    public async Task A_parked_entry_stays_with_its_reason_until_it_is_released_or_replaced()
    {
        await using (var outbox = await OpenAsync())
        {
            await outbox.ParkAsync(await AddAsync(outbox, "a", 5), "too large", Cancel);
            await outbox.ParkAsync(await AddAsync(outbox, "b", 6), new string('x', 10_000), Cancel);
            await AddAsync(outbox, "c", 7);
        }
        await using (var again = await OpenAsync())
        {
            Parked(again)[0].ShouldBe("a: too large");
            Parked(again)[1].Length.ShouldBeLessThan(600);
            Waiting(again).ShouldBe(["c"]);
            again.Contains(Blobs.Key("a")).ShouldBeTrue();
            (again.State.Waiting, again.State.WaitingBytes, again.State.Parked, again.State.ParkedBytes).ShouldBe((1, 7, 2, 11));
            await AddAsync(again, "a", 9);
            Waiting(again).ShouldBe(["c", "a"]);
            (await again.ReleaseAsync(Cancel)).ShouldBe(1);
            Waiting(again).ShouldBe(["b", "c", "a"]);
        }
        await using var last = await OpenAsync();
        Waiting(last).ShouldBe(["b", "c", "a"]);
        last.ListParked(10).ShouldBeEmpty();
    }

    [Fact]
    public async Task Numbers_grow_over_starts_also_when_nothing_is_left()
    {
        long first;
        await using (var outbox = await OpenAsync())
        {
            await AddAsync(outbox, "a");
            var entry = await AddAsync(outbox, "b");
            first = entry.Number;
            await outbox.RemoveAsync(entry, Cancel);
        }
        await using var again = await OpenAsync();
        (await AddAsync(again, "c")).Number.ShouldBeGreaterThan(first);
    }

    [Fact]
    public async Task A_full_outbox_takes_no_more_entries_but_lets_one_be_replaced()
    {
        await using var outbox = await OpenAsync(maxEntries: 2);
        await AddAsync(outbox, "a");
        var parked = await AddAsync(outbox, "b");
        await outbox.ParkAsync(parked, "no", Cancel);
        (await outbox.AddAsync(Blobs.Key("c"), 1, Cancel)).ShouldBeNull("what is parked counts");
        outbox.Contains(Blobs.Key("c")).ShouldBeFalse();
        await AddAsync(outbox, "a");
        await outbox.RemoveAsync(parked, Cancel);
        await AddAsync(outbox, "c");
        outbox.State.MaxEntries.ShouldBe(2);
    }

    [Fact]
    public async Task A_full_outbox_takes_no_more_bytes_and_a_replacement_counts_once()
    {
        await using var outbox = await OpenAsync(maxBytes: 100);
        (await outbox.AddAsync(Blobs.Key("a"), 101, Cancel)).ShouldBeNull();
        await AddAsync(outbox, "a", 60);
        (await outbox.AddAsync(Blobs.Key("b"), 41, Cancel)).ShouldBeNull();
        (await outbox.AddAsync(Blobs.Key("a"), long.MaxValue, Cancel)).ShouldBeNull();
        await AddAsync(outbox, "a", 100);
        (await outbox.AddAsync(Blobs.Key("b"), 1, Cancel)).ShouldBeNull();
        await AddAsync(outbox, "a", 99);
        await AddAsync(outbox, "b", 1);
        outbox.State.MaxBytes.ShouldBe(100);
    }

    [Fact]
    public async Task Those_who_share_a_transaction_do_not_get_past_the_limit_together()
    {
        await using var outbox = await OpenAsync(maxEntries: 10);
        var added = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => outbox.AddAsync(Blobs.Key($"k{i}"), 1, Cancel).AsTask()));
        added.Count(e => e is not null).ShouldBe(10);
        outbox.State.Waiting.ShouldBe(10);
    }

    [Fact]
    public async Task Those_who_wait_while_one_is_written_share_a_transaction()
    {
        await using var outbox = await OpenAsync();
        using var begun = new SemaphoreSlim(0);
        using var go = new ManualResetEventSlim();
        outbox.Committing = () =>
        {
            begun.Release();
            go.Wait(Cancel);
        };
        var first = AddAsync(outbox, "first");
        (await begun.WaitAsync(TimeSpan.FromSeconds(20), Cancel)).ShouldBeTrue();
        var rest = Enumerable.Range(0, 32).Select(i => AddAsync(outbox, $"k{i}")).ToList();
        outbox.Contains(Blobs.Key("first")).ShouldBeFalse("it is not durable yet");
        go.Set();

        var entries = await Task.WhenAll(rest.Append(first));

        outbox.Commits.ShouldBe(2);
        entries.Select(e => e.Number).Distinct().Count().ShouldBe(33);
    }

    [Fact]
    public async Task The_state_tells_since_when_the_oldest_waits()
    {
        await using var outbox = await OpenAsync();
        outbox.State.Oldest.ShouldBeNull();
        var added = Clock.GetUtcNow();
        var oldest = await AddAsync(outbox, "a");
        Clock.Advance(TimeSpan.FromMinutes(1));
        await AddAsync(outbox, "b");
        outbox.State.Oldest.ShouldBe(added);
        await outbox.ParkAsync(oldest, "no", Cancel);
        outbox.State.Oldest.ShouldBe(added + TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task A_closed_outbox_says_so()
    {
        var outbox = await OpenAsync();
        await outbox.DisposeAsync();
        await outbox.DisposeAsync();
        await Should.ThrowAsync<ObjectDisposedException>(() => AddAsync(outbox, "a"));
    }

    [Fact]
    public async Task Its_files_are_readable_by_their_owner_alone()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The system has no file modes.");
        await using var outbox = await OpenAsync();
        await AddAsync(outbox, "a");
        var files = Directory.GetFiles(Root, "*", SearchOption.AllDirectories);
        files.Select(Path.GetFileName).Order(StringComparer.Ordinal).ShouldBe(["outbox.db", "outbox.db-wal"]);
#pragma warning disable CA1416 // Skipped there.
        files.ShouldAllBe(f => File.GetUnixFileMode(f) == (UnixFileMode.UserRead | UnixFileMode.UserWrite));
#pragma warning restore CA1416
    }

    [Fact]
    public async Task A_store_opens_closes_and_serves_with_an_outbox_in_its_folder()
    {
        SqliteOutbox.IsIn(Root).ShouldBeFalse();
        for (var i = 0; i < 2; i++)
        {
            await using var store = await LocalStore.OpenAsync(new LocalStoreOptions { Path = Root, MinFreeBytes = 0 }, TimeProvider.System, Logger, Cancel);
            await using var outbox = await OpenAsync();
            await store.Swept;
            await AddAsync(outbox, $"k{i}");
            outbox.State.Waiting.ShouldBe(i + 1);
        }
        SqliteOutbox.IsIn(Root).ShouldBeTrue();
    }
}
