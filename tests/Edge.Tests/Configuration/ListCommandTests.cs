using System.Text.Json;
using EdgeCache.Storage;
using EdgeCache.Storage.Local;
using EdgeCache.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeCache.Edge.Tests.Configuration;

public sealed class ListCommandTests : IDisposable
{
    private readonly ConfigurationFixture _machine = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string Folder => Path.Combine(_machine.CurrentDirectory, "store");

    public void Dispose() => _machine.Dispose();

    [Fact]
    public async Task A_line_a_blob_in_order_of_namespace_tenant_and_key()
    {
        await FillAsync();

        var (exit, output, error) = await ListAsync();

        exit.ShouldBe(0, error);
        error.ShouldBeEmpty();
        var lines = output.TrimEnd('\n').Split('\n');
        lines.Select(l => l.Split('\t')[0]).ShouldBe(["artifacts/a", "artifacts/b", "ccache/a", "ccache/x/y", "ccache/[t]/a"]);
        lines[1].Split('\t')[1].ShouldBe("20");
        lines[1].Split('\t')[2].ShouldMatch(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$");
    }

    [Theory]
    [InlineData("artifacts/a artifacts/b", "--namespace", "artifacts")]
    [InlineData("ccache/[t]/a", "--tenant", "t")]
    [InlineData("ccache/a ccache/x/y", "--namespace", "ccache", "--tenant", "")]
    [InlineData("ccache/x/y", "--prefix", "x/")]
    [InlineData("artifacts/b ccache/a", "--tag", "release")]
    [InlineData("ccache/a", "--tag", "release", "--writer", "ci")]
    [InlineData("", "--writer", "nobody")]
    [InlineData("", "--namespace", "none")]
    public async Task The_flags_choose_together(string expected, params string[] flags)
    {
        await FillAsync();

        var (exit, output, error) = await ListAsync(flags);

        exit.ShouldBe(0, error);
        string.Join(' ', output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('\t')[0])).ShouldBe(expected);
    }

    [Fact]
    public async Task Json_is_an_object_a_line()
    {
        await FillAsync();

        var (exit, output, error) = await ListAsync("--json", "--namespace", "ccache");

        exit.ShouldBe(0, error);
        var last = JsonDocument.Parse(output.TrimEnd('\n').Split('\n')[^1]).RootElement;
        last.GetProperty("namespace").GetString().ShouldBe("ccache");
        last.GetProperty("tenant").GetString().ShouldBe("t");
        last.GetProperty("key").GetString().ShouldBe("a");
        last.GetProperty("length").GetInt64().ShouldBe(50);
        last.GetProperty("created").GetDateTimeOffset().ShouldBeGreaterThan(DateTimeOffset.UnixEpoch);
    }

    [Fact]
    public async Task A_store_that_a_node_runs_on_is_not_listed_and_the_message_says_so()
    {
        await using var store = await OpenAsync();

        var (exit, output, error) = await ListAsync();

        exit.ShouldBe(1);
        output.ShouldBeEmpty();
        error.TrimEnd().ShouldBe($"edgecache: The store folder '{Folder}' is in use by process {Environment.ProcessId}. Stop it, or choose another folder.");
    }

    [Fact]
    public async Task A_folder_without_a_store_is_not_made_one()
    {
        var (exit, output, error) = await ListAsync();

        exit.ShouldBe(1);
        output.ShouldBeEmpty();
        error.TrimEnd().ShouldBe($"edgecache: There is no store in '{Folder}'.");
        Directory.Exists(Folder).ShouldBeFalse();
    }

    [Fact]
    public async Task Nothing_is_evicted_by_looking_also_where_the_settings_give_the_store_less_room_than_it_takes()
    {
        await using (var store = await OpenAsync())
        {
            for (var i = 0; i < 40; i++)
                await store.PutAsync(BlobKey.Create("artifacts", "", $"k{i}"), Blobs.Bytes(100_000, seed: i));
        }

        for (var round = 0; round < 2; round++)
        {
            var (exit, output, error) = await ListAsync("--max-size", "1MiB");
            exit.ShouldBe(0, error);
            output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length.ShouldBe(40);
        }
    }

    private Task<(int ExitCode, string Output, string Error)> ListAsync(params string[] args) => _machine.RunAsync(["list", "--storage", "store", .. args]);

    private Task<LocalStore> OpenAsync() =>
        LocalStore.OpenAsync(new LocalStoreOptions { Path = Folder, MinFreeBytes = 0 }, TimeProvider.System, NullLogger.Instance, Cancel);

    private async Task FillAsync()
    {
        await using var store = await OpenAsync();
        (BlobKey Key, string Writer, string[] Tags)[] blobs =
        [
            (BlobKey.Create("artifacts", "", "a"), "ci", []), (BlobKey.Create("artifacts", "", "b"), "dev", ["release"]), (BlobKey.Create("ccache", "", "x/y"), "", []),
            (BlobKey.Create("ccache", "", "a"), "ci", ["release", "x64"]), (BlobKey.Create("ccache", "t", "a"), "dev", []),
        ];
        for (var i = 0; i < blobs.Length; i++)
            (await store.PutAsync(blobs[i].Key, Blobs.Bytes((i + 1) * 10), new PutOptions { Writer = blobs[i].Writer, Tags = blobs[i].Tags })).Status.ShouldBe(StoreStatus.Ok);
    }
}
