using EdgeCache.Edge.Tests.Configuration;
using EdgeCache.Storage.Local;
using EdgeCache.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeCache.Edge.Tests.Cli;

public sealed class ScrubCommandTests : IDisposable
{
    private readonly ConfigurationFixture _machine = new();

    private string Folder => Path.Combine(_machine.CurrentDirectory, "store");

    public void Dispose() => _machine.Dispose();

    [Fact]
    public async Task A_clean_store_is_0_in_plain_text_and_nothing_is_evicted_whatever_the_limit()
    {
        await FillAsync();
        var (exit, output, error) = await _machine.RunAsync("scrub", "--storage", "store", "--max-size", "1MiB", "--rate", "1TiB");
        exit.ShouldBe(0, error);
        output.ShouldStartWith("Scrubbed 6 blobs, ");
        output.ShouldContain("0 damaged, 0 unreadable.");
        output.ShouldNotContain("\r");
        output.ShouldNotContain("\u001b");
        await using var store = await OpenAsync();
        store.State.Blobs.ShouldBe(6);
    }

    [Fact]
    public async Task Damage_is_1_and_found_once()
    {
        await FillAsync();
        var file = Directory.GetFiles(Path.Combine(Folder, "blobs"), "*", SearchOption.AllDirectories)[0];
        var bytes = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
        bytes[^1000] ^= 1;
        await File.WriteAllBytesAsync(file, bytes, TestContext.Current.CancellationToken);

        var (exit, output, _) = await _machine.RunAsync("scrub", "--storage", "store", "--rate", "1TiB");
        exit.ShouldBe(1);
        output.ShouldContain("1 damaged, 0 unreadable.");
        output.ShouldContain("quarantine");
        Directory.GetFiles(Path.Combine(Folder, "quarantine")).ShouldHaveSingleItem();

        (exit, output, _) = await _machine.RunAsync("scrub", "--storage", "store", "--rate", "1TiB");
        exit.ShouldBe(0);
        output.ShouldStartWith("Scrubbed 5 blobs, ");
    }

    [Fact]
    public async Task A_folder_in_use_is_3_and_says_what_to_do()
    {
        await using var store = await OpenAsync();
        var (exit, output, error) = await _machine.RunAsync("scrub", "--storage", "store");
        exit.ShouldBe(3);
        output.ShouldBeEmpty();
        error.ShouldContain("is in use by process");
        error.ShouldContain("EdgeCache:Storage:ScrubInterval");
    }

    [Fact]
    public async Task A_folder_that_is_not_there_is_3_and_is_not_made()
    {
        var (exit, _, error) = await _machine.RunAsync("scrub", "--storage", "store");
        exit.ShouldBe(3);
        error.ShouldContain("There is no store in");
        Directory.Exists(Folder).ShouldBeFalse();
    }

    [Fact]
    public async Task A_rate_that_makes_no_sense_is_an_error_of_the_configuration()
    {
        var (exit, _, error) = await _machine.RunAsync("scrub", "--storage", "store", "--rate", "fast");
        exit.ShouldBe(2);
        error.ShouldContain("EdgeCache:Storage:ScrubRate = \"fast\" (flag --rate)");
    }

    private async Task FillAsync()
    {
        await using var store = await OpenAsync();
        for (var i = 0; i < 3; i++)
        {
            await store.PutAsync(Blobs.Key($"small{i}"), Blobs.Bytes(5000, seed: i));
            await store.PutAsync(Blobs.Key($"large{i}"), Blobs.Bytes(900_000, seed: i));
        }
    }

    private Task<LocalStore> OpenAsync() =>
        LocalStore.OpenAsync(new LocalStoreOptions { Path = Folder, MinFreeBytes = 0 }, TimeProvider.System, NullLogger.Instance, TestContext.Current.CancellationToken);
}
