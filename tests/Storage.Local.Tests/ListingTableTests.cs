using EdgeCache.TestKit;
using Microsoft.Data.Sqlite;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>The table behind the listings may be lost, damaged, somebody else's or out of reach: the listing is right all the same.</summary>
public sealed class ListingTableTests : LocalStoreTest
{
    private const int Count = 40;

    private static readonly string[] All = [.. Enumerable.Range(0, Count).Select(i => $"k{i:d2}")];

    private string Table => Path.Combine(Root, "listing.db");

    [Fact]
    public async Task A_store_that_nobody_lists_has_no_table_and_one_that_is_listed_has_a_private_one()
    {
        await using var store = await OpenAsync();
        await FillAsync(store);
        File.Exists(Table).ShouldBeFalse();

        (await KeysAsync(store)).ShouldBe(All);

        File.Exists(Table).ShouldBeTrue();
        if (!OperatingSystem.IsWindows())
        {
            foreach (var file in Directory.GetFiles(Root, "listing.db*"))
                File.GetUnixFileMode(file).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite, file);
        }
    }

    [Fact]
    public async Task A_table_of_before_is_used_again_and_read_on()
    {
        await using (var store = await OpenAsync())
        {
            await FillAsync(store);
            await KeysAsync(store);
        }
        Change("CREATE TABLE seen(id INTEGER)");
        await using (var again = await OpenAsync())
        {
            await again.PutAsync(Blobs.Key("new"), Blobs.Bytes(10));
            await again.DeleteAsync(Blobs.Key("k00"), null, Cancel);
            (await KeysAsync(again)).ShouldBe([.. All.Skip(1), "new"]);
        }
        Rows("SELECT count(*) FROM blobs WHERE key = 'new'").ShouldBe(1);
        Rows("SELECT count(*) FROM seen").ShouldBe(0, "the table is still there");
        Logger.Messages.ShouldNotContain(m => m.Contains("list of blobs"));
    }

    [Theory]
    [InlineData("lost")]
    [InlineData("empty")]
    [InlineData("cut")]
    [InlineData("text")]
    [InlineData("zeros inside")]
    [InlineData("somebody's database")]
    [InlineData("another version")]
    [InlineData("another store's")]
    [InlineData("read further than the log goes")]
    [InlineData("read from another log")]
    [InlineData("a key that is none")]
    [InlineData("lost but for its journal")]
    public async Task A_table_that_can_not_be_believed_is_made_anew(string fault)
    {
        await using (var store = await OpenAsync())
        {
            await FillAsync(store);
            await KeysAsync(store);
        }
        Tamper(fault);

        await using (var again = await OpenAsync())
        {
            (await KeysAsync(again)).ShouldBe(All);
            (await KeysAsync(again, new BlobPrefix("test", Tag: "even"))).ShouldBe(All.Where((_, i) => i % 2 == 0));
        }
        Rows("SELECT count(*) FROM blobs").ShouldBe(Count, "the table on disk is the new one");
    }

    [Theory]
    [InlineData("a folder")]
    [InlineData("a link")]
    [InlineData("locked")]
    public async Task A_table_that_is_out_of_reach_is_left_alone_and_done_without(string fault)
    {
        await using var store = await OpenAsync();
        await FillAsync(store);
        var outside = Path.Combine(Root, "outside");
        SqliteConnection? other = null;
        if (fault == "a folder")
        {
            Directory.CreateDirectory(Path.Combine(Table, "somebody's"));
        }
        else if (fault == "a link")
        {
            await File.WriteAllTextAsync(outside, "somebody's", Cancel);
            File.CreateSymbolicLink(Table, outside);
        }
        else
        {
            other = Connect();
            Run(other, "CREATE TABLE somebodys(id INTEGER)");
            Run(other, "BEGIN EXCLUSIVE");
        }

        (await KeysAsync(store)).ShouldBe(All);
        await store.PutAsync(Blobs.Key("new"), Blobs.Bytes(10));
        (await KeysAsync(store)).ShouldBe([.. All, "new"]);

        Logger.Messages.ShouldContain(m => m.StartsWith("Warning: The list of blobs") && m.Contains("can't be used"));
        if (fault == "a folder")
            Directory.Exists(Path.Combine(Table, "somebody's")).ShouldBeTrue();
        else if (fault == "a link")
            (await File.ReadAllTextAsync(outside, Cancel)).ShouldBe("somebody's");
        other?.Dispose();
    }

    [Fact]
    public async Task A_table_that_is_damaged_while_it_is_used_is_made_anew()
    {
        await using var store = await OpenAsync();
        await FillAsync(store);
        (await KeysAsync(store)).ShouldBe(All);
        for (var i = 0; i < 3000; i++)
            _ = store.PutAsync(Blobs.Key($"n{i:d4}"), Blobs.Bytes(10));
        await Eventually.TrueAsync(() => store.State.Blobs == Count + 3000, TimeSpan.FromSeconds(60), "all are there");
        await KeysAsync(store);

        // Another handle on the file: its lock is advisory.
        using (var file = new FileStream(Table, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete))
        {
            var rubbish = Blobs.Bytes((int)file.Length, seed: 5);
            file.Write(rubbish);
        }

        for (var round = 0; round < 2; round++)
        {
            await store.PutAsync(Blobs.Key($"z{round}"), Blobs.Bytes(10));
            (await KeysAsync(store)).Count.ShouldBe(Count + 3000 + round + 1);
        }
    }

    [Fact]
    public async Task A_table_that_is_there_is_kept_near_the_end_of_the_log_in_the_background()
    {
        var clock = Clock();
        await using (var store = await OpenAsync(1L << 30, clock))
        {
            await KeysAsync(store);
            await FillAsync(store);
            clock.Advance(TimeSpan.FromMinutes(1));
            // The table is its owner's alone while the store is open; what it has read of the log shows in its size.
            await Eventually.TrueAsync(() => store.ListedBytes == store.Internals.Segments.List().Sum(s => s.Length), TimeSpan.FromSeconds(20), "the log has been read");
        }
        Rows("SELECT count(*) FROM blobs").ShouldBe(Count);
    }

    [Fact]
    public async Task A_deletion_that_the_index_of_a_crash_does_not_know_is_not_listed()
    {
        await using (var store = await OpenAsync())
        {
            await FillAsync(store);
            await KeysAsync(store);
        }
        var snapshot = await File.ReadAllBytesAsync(Snapshot, Cancel);
        await using (var store = await OpenAsync())
            await store.DeleteAsync(Blobs.Key("k07"), null, Cancel);
        await File.WriteAllBytesAsync(Snapshot, snapshot, Cancel);

        await using var again = await OpenAsync();

        (await KeysAsync(again)).ShouldBe(All.Where(k => k != "k07"));
    }

    [Fact]
    public async Task Listings_are_right_while_blobs_are_evicted_and_end_with_what_is_there()
    {
        await using var store = await OpenAsync(2 << 20);
        for (var i = 0; i < 1200; i++)
        {
            await store.PutAsync(Blobs.Key($"e{i:d4}"), Blobs.Bytes(6000, seed: i), new PutOptions { Writer = i % 2 == 0 ? "ci" : "dev" });
            if (i % 40 != 0)
                continue;
            var keys = await KeysAsync(store);
            keys.ShouldBe(keys.Distinct().Order(StringComparer.Ordinal));
        }
        List<string> there, listed, ofOne;
        do
        {
            // The last eviction may still be under way: what is listed is compared with a state that did not change meanwhile.
            there = await FindAsync(store);
            listed = await KeysAsync(store);
            ofOne = await KeysAsync(store, new BlobPrefix("test", Writer: "ci"));
        }
        while (!(await FindAsync(store)).SequenceEqual(there));
        there.Count.ShouldBeInRange(50, 1100);
        listed.ShouldBe(there);
        ofOne.ShouldBe(there.Where(k => (k[^1] - '0') % 2 == 0));
        await store.DisposeAsync();
        Rows("SELECT count(DISTINCT segment) FROM blobs").ShouldBeLessThanOrEqualTo(SegmentFiles().Length);

        static async Task<List<string>> FindAsync(LocalStore store)
        {
            var found = new List<string>();
            for (var i = 0; i < 1200; i++)
            {
                if ((await store.StatAsync(Blobs.Key($"e{i:d4}"), Cancel)).IsOk)
                    found.Add($"e{i:d4}");
            }
            return found;
        }
    }

    [Fact]
    public async Task Closing_ends_a_listing_that_is_under_way()
    {
        var store = await OpenAsync();
        await Parallel.ForEachAsync(Enumerable.Range(0, 600), Cancel, async (i, _) => await store.PutAsync(Blobs.Key($"k{i}"), Blobs.Bytes(10)));
        await using var listing = store.ListAsync(new BlobPrefix("test"), Cancel).GetAsyncEnumerator(Cancel);
        (await listing.MoveNextAsync()).ShouldBeTrue();
        await store.DisposeAsync();
        await Should.ThrowAsync<ObjectDisposedException>(async () =>
        {
            while (await listing.MoveNextAsync())
            {
            }
        });
    }

    private void Tamper(string fault)
    {
        var bytes = File.ReadAllBytes(Table);
        switch (fault)
        {
            case "lost":
                File.Delete(Table);
                break;
            case "lost but for its journal":
                File.Delete(Table);
                File.WriteAllBytes(Table + "-journal", Blobs.Bytes(5000));
                break;
            case "empty":
                File.WriteAllBytes(Table, []);
                break;
            case "cut":
                File.WriteAllBytes(Table, bytes[..(bytes.Length / 2)]);
                break;
            case "text":
                File.WriteAllText(Table, "somebody's");
                break;
            case "zeros inside":
                Array.Clear(bytes, 4096, bytes.Length - 4096);
                File.WriteAllBytes(Table, bytes);
                break;
            case "somebody's database":
                File.Delete(Table);
                Change("CREATE TABLE blobs(name TEXT)");
                break;
            default:
                Change(fault switch
                {
                    "another version" => "PRAGMA user_version = 999",
                    "another store's" => "UPDATE store SET id = randomblob(16); DELETE FROM blobs",
                    "read further than the log goes" => "UPDATE segments SET position = position + 8; DELETE FROM blobs",
                    "read from another log" => "UPDATE segments SET last_offset = 48; DELETE FROM blobs",
                    "a key that is none" => "UPDATE blobs SET key = 'k0 ' WHERE key = 'k00'",
                    _ => throw new ArgumentOutOfRangeException(nameof(fault), fault, null),
                });
                break;
        }
    }

    private static async Task FillAsync(LocalStore store)
    {
        for (var i = 0; i < Count; i++)
            await store.PutAsync(Blobs.Key(All[i]), Blobs.Bytes(100), new PutOptions { Tags = i % 2 == 0 ? ["even"] : [] });
    }

    private static async Task<List<string>> KeysAsync(LocalStore store, BlobPrefix? prefix = null)
    {
        var keys = new List<string>();
        await foreach (var blob in store.ListAsync(prefix ?? new BlobPrefix("test"), Cancel))
            keys.Add(blob.Key.Key);
        return keys;
    }

    private SqliteConnection Connect()
    {
        var connection = new SqliteConnection($"Data Source={Table};Pooling=False");
        connection.Open();
        return connection;
    }

    private long Rows(string sql)
    {
        using var connection = Connect();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)command.ExecuteScalar()!;
    }

    private void Change(string sql)
    {
        using var connection = Connect();
        Run(connection, sql);
    }

    private static void Run(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
