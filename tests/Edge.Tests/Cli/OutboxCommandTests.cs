using EdgeCache.Edge.Tests.Configuration;
using EdgeCache.Storage.Local;
using EdgeCache.Storage.Local.Outbox;
using EdgeCache.Storage.Tiering;
using EdgeCache.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeCache.Edge.Tests.Cli;

public sealed class OutboxCommandTests : IDisposable
{
    private readonly ConfigurationFixture _machine = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string Folder => Path.Combine(_machine.CurrentDirectory, "store");

    public void Dispose() => _machine.Dispose();

    [Fact]
    public async Task It_shows_what_waits_and_a_line_for_each_that_is_parked()
    {
        await FillAsync();

        var (exit, output, error) = await RunAsync();

        exit.ShouldBe(0, error);
        var lines = output.TrimEnd('\n').Split('\n');
        lines[0].ShouldMatch(@"^waiting: 1 blobs, 30 bytes, the oldest since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$");
        lines[1].ShouldBe("parked: 2 blobs, 30 bytes");
        lines.Length.ShouldBe(4, "what a far store says does not make lines");
        var parked = lines.Skip(2).Select(l => l.Split('\t')).ToList();
        parked.Select(p => (p[0], p[1], p[3])).ShouldBe([("test/a", "10", "TooLarge."), ("test/b", "20", "it says:  no ")]);
    }

    [Fact]
    public async Task A_release_lets_what_is_parked_be_tried_again()
    {
        await FillAsync();

        var (exit, output, error) = await RunAsync("release");

        exit.ShouldBe(0, error);
        output.TrimEnd().ShouldBe("Released 2 blobs; the next start tries to send them again.");
        await using var outbox = await OpenAsync();
        outbox.ListWaiting(0, 10).Select(e => e.Key.Key).ShouldBe(["a", "b", "c"]);
        outbox.State.Parked.ShouldBe(0);
    }

    [Fact]
    public async Task A_store_without_an_outbox_gets_none_by_looking()
    {
        await using (await OpenStoreAsync())
        {
        }
        var (exit, output, error) = await RunAsync();
        exit.ShouldBe(0, error);
        output.TrimEnd().ShouldBe("The store has no outbox.");
        SqliteOutbox.IsIn(Folder).ShouldBeFalse();
    }

    [Fact]
    public async Task Neither_a_folder_in_use_nor_a_damaged_outbox_is_touched_and_the_message_says_why()
    {
        await FillAsync();
        await using (await OpenStoreAsync())
        {
            var (busy, _, said) = await RunAsync("release");
            busy.ShouldBe(1);
            said.ShouldContain("is in use by process");
        }
        await File.WriteAllTextAsync(Path.Combine(Folder, "outbox.db"), "not an outbox", Cancel);
        var (exit, output, error) = await RunAsync("release");
        exit.ShouldBe(1);
        output.ShouldBeEmpty();
        error.ShouldContain($"The outbox '{Path.Combine(Folder, "outbox.db")}' is damaged");
        (await File.ReadAllTextAsync(Path.Combine(Folder, "outbox.db"), Cancel)).ShouldBe("not an outbox");
    }

    private Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] args) => _machine.RunAsync(["outbox", .. args, "--storage", "store"]);

    private Task<LocalStore> OpenStoreAsync() => LocalStore.OpenAsync(new LocalStoreOptions { Path = Folder, MinFreeBytes = 0 }, TimeProvider.System, NullLogger.Instance, Cancel);

    private Task<SqliteOutbox> OpenAsync() => SqliteOutbox.OpenAsync(new SqliteOutboxOptions { Path = Folder }, TimeProvider.System, NullLogger.Instance, Cancel);

    private async Task FillAsync()
    {
        await using var store = await OpenStoreAsync();
        await using var outbox = await OpenAsync();
        await outbox.ParkAsync(await AddAsync("a", 10), "TooLarge.", Cancel);
        await outbox.ParkAsync(await AddAsync("b", 20), "it says:\r\nno\n", Cancel);
        await AddAsync("c", 30);

        async Task<OutboxEntry> AddAsync(string name, long length) => (await outbox.AddAsync(Blobs.Key(name), length, Cancel)).ShouldNotBeNull();
    }
}
