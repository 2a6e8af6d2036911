using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests.Outbox;

/// <summary>What is acknowledged is at stake: an outbox that lost something does not open as if it had not.</summary>
public sealed class OutboxDamageTests : OutboxTest
{
    [Fact]
    public async Task What_was_acknowledged_is_there_after_a_kill()
    {
        await using var outbox = await OpenAsync();
        await AddAsync(outbox, "a", 1);
        var removed = await AddAsync(outbox, "b", 2);
        await outbox.ParkAsync(await AddAsync(outbox, "c", 3), "no", Cancel);
        await outbox.RemoveAsync(removed, Cancel);
        var last = await AddAsync(outbox, "a", 4);
        CopyAsKilled();

        await using var again = await OpenAsync(path: Other);

        again.ListWaiting(0, 10).ShouldBe([last]);
        Parked(again).ShouldBe(["c: no"]);
        (await AddAsync(again, "d")).Number.ShouldBeGreaterThan(last.Number);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_change_that_the_disk_refuses_is_refused_and_nothing_is_assumed_of_it(bool hasLanded)
    {
        await using var outbox = await OpenAsync();
        var kept = await AddAsync(outbox, "kept");
        Action? refuse = Refuse;
        void Fail() => Interlocked.Exchange(ref refuse, null)?.Invoke();
        outbox.Committing = hasLanded ? null : Fail;
        outbox.Committed = hasLanded ? Fail : null;

        (await Should.ThrowAsync<IOException>(() => AddAsync(outbox, "refused"))).Message.ShouldContain("disk I/O error");
        await AddAsync(outbox, "next");

        // Where it has got to the disk all the same, it is there: for a blob that was not acknowledged, which is found when it is to be sent.
        Waiting(outbox).ShouldBe(hasLanded ? ["kept", "refused", "next"] : ["kept", "next"]);
        outbox.ListWaiting(0, 10).Select(e => e.Number).Distinct().Count().ShouldBe(hasLanded ? 3 : 2);
        CopyAsKilled();
        await using var again = await OpenAsync(path: Other);
        Waiting(again).ShouldBe(Waiting(outbox));
        again.ListWaiting(0, 1).ShouldBe([kept]);
        Logger.Messages.ShouldContain(m => m.Contains("can't be written"));
    }

    [Fact]
    public async Task While_the_disk_refuses_all_who_share_a_transaction_are_told_and_what_is_known_stays_pinned()
    {
        await using var outbox = await OpenAsync();
        var entry = await AddAsync(outbox, "kept");
        outbox.Committing = Refuse;
        var adders = Enumerable.Range(0, 20).Select(i => AddAsync(outbox, $"k{i}")).ToList();
        foreach (var adder in adders)
            await Should.ThrowAsync<IOException>(() => adder);
        await Should.ThrowAsync<IOException>(() => outbox.RemoveAsync(entry, Cancel).AsTask());
        outbox.Contains(entry.Key).ShouldBeTrue();
        outbox.State.Waiting.ShouldBe(1);
        outbox.Committing = null;
        await outbox.RemoveAsync(entry, Cancel);
        Waiting(outbox).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_file_that_can_not_be_opened_again_refuses_changes_until_it_can()
    {
        await using var outbox = await OpenAsync();
        await AddAsync(outbox, "kept");
        outbox.Committing = () =>
        {
            File.Move(Database, Other);
            Directory.CreateDirectory(Database);
            Refuse();
        };
        await Should.ThrowAsync<IOException>(() => AddAsync(outbox, "a"));
        outbox.Committing = null;
        (await Should.ThrowAsync<IOException>(() => AddAsync(outbox, "a"))).Message.ShouldContain("is not a file");
        outbox.Contains(Blobs.Key("kept")).ShouldBeTrue();
        Directory.Delete(Database);
        File.Move(Other, Database);
        await AddAsync(outbox, "a");
        Waiting(outbox).ShouldBe(["kept", "a"]);
    }

    [Theory]
    [InlineData("empty")]
    [InlineData("garbage")]
    [InlineData("cut")]
    [InlineData("gone, its log not")]
    [InlineData("DELETE FROM entries WHERE number = 2")]
    [InlineData("UPDATE entries SET key = 'other' WHERE number = 2")]
    [InlineData("UPDATE entries SET namespace = 'NOT/ONE' WHERE number = 2")]
    [InlineData("UPDATE entries SET reason = 'parked' WHERE number = 2")]
    [InlineData("UPDATE entries SET length = 'x' WHERE number = 2")]
    [InlineData("UPDATE entries SET number = 200 WHERE number = 2")]
    [InlineData("INSERT INTO entries SELECT 200, namespace, tenant, key, length, added, reason, checksum FROM entries WHERE number = 2")]
    [InlineData("UPDATE state SET last_number = 1")]
    [InlineData("DELETE FROM state")]
    [InlineData("DROP TABLE entries")]
    [InlineData("PRAGMA user_version = 0")]
    [InlineData("PRAGMA application_id = 7")]
    public async Task An_outbox_that_is_not_what_was_written_refuses_to_open_and_stays(string damage)
    {
        await using (var outbox = await OpenAsync())
        {
            for (var i = 0; i < 100; i++)
                await AddAsync(outbox, $"k{i}", i);
        }
        Damage(damage);
        var before = File.Exists(Database) ? await File.ReadAllBytesAsync(Database, Cancel) : null;

        for (var i = 0; i < 2; i++)
        {
            var refused = await Should.ThrowAsync<StoreUnavailableException>(() => OpenAsync());
            refused.Message.ShouldContain($"'{Database}'");
            refused.Message.ShouldContain($"move it and '{Database}-wal' away");
        }

        if (before is not null)
            (await File.ReadAllBytesAsync(Database, Cancel)).Length.ShouldBe(before.Length);
        // What the message says to do helps.
        File.Delete(Database);
        File.Delete(Database + "-wal");
        await using var again = await OpenAsync();
        Waiting(again).ShouldBeEmpty();
    }

    [Fact]
    public async Task An_outbox_of_a_newer_version_is_left_to_it()
    {
        await using (await OpenAsync())
        {
        }
        Execute("PRAGMA user_version = 2");
        var refused = await Should.ThrowAsync<StoreUnavailableException>(() => OpenAsync());
        refused.Message.ShouldContain("newer");
        refused.Message.ShouldNotContain("move it");
    }

    [Fact]
    public async Task A_link_in_its_place_is_not_followed()
    {
        await using var outbox = await OpenAsync();
        await AddAsync(outbox, "a");
        Directory.CreateDirectory(Other);
        File.CreateSymbolicLink(Path.Combine(Other, "outbox.db"), Database);
        (await Should.ThrowAsync<StoreUnavailableException>(() => OpenAsync(path: Other))).Message.ShouldContain("is not a file");
    }

    private void Damage(string how)
    {
        switch (how)
        {
            case "empty": File.WriteAllBytes(Database, []); break;
            case "garbage": File.WriteAllBytes(Database, Blobs.Bytes(8192)); break;
            case "cut": File.WriteAllBytes(Database, File.ReadAllBytes(Database)[..^4096]); break;
            case "gone, its log not": File.Move(Database, Database + "-wal"); break;
            default: Execute(how); break;
        }
    }
}
