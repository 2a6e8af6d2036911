using System.Globalization;
using EdgeCache.TestKit;

namespace EdgeCache.System.Tests;

/// <summary>The real ccache with a real compiler: what one machine compiled, the next one gets from the node.</summary>
public sealed class CcacheTests
{
    private const int Sources = 20;

    private const string Config = """{ "EdgeCache": { "Namespaces": { "ccache": { "Replaceable": true } } } }""";

    [Theory]
    [InlineData(null, "flat")]
    [InlineData("ccache-token", "flat")]
    [InlineData(null, "subdirs")]
    [InlineData(null, "bazel")]
    public async Task A_second_machine_compiles_nothing(string? token, string layout)
    {
        var ccache = Tools.Require("ccache", "ccache");
        var gcc = Tools.Require("gcc", "gcc");
        using var work = new TestFolder();
        var environment = token is null ? Variables.Of() : Variables.Of(("BUILDER_CACHE_SERVER_AUTH_TOKEN", token));

        // Only the flat layout has keys without a slash.
        var config = layout == "flat" ? Config : Config.Replace("true", "true, \"SlashInKeys\": true", StringComparison.Ordinal);
        await using var node = await NodeProcess.StartAsync(new NodeSetup { Config = config, Environment = environment });
        var remote = $"{node.Url}cache/ccache|layout={layout}|connect-timeout=5000{(token is null ? "" : $"|bearer-token={token}")}";
        for (var i = 0; i < Sources; i++)
            await File.WriteAllTextAsync(work.File($"unit{i}.c"), $"#include <stddef.h>\nint unit{i}(size_t x) {{ return (int)x + {i}; }}\n");

        async Task<Dictionary<string, long>> BuildAsync(string localFolder)
        {
            var variables = Variables.Of(("CCACHE_DIR", work.File(localFolder)), ("CCACHE_REMOTE_STORAGE", remote), ("CCACHE_NOCPP2", "1"));
            for (var i = 0; i < Sources; i++)
                (await ToolRun.RunAsync(ccache, [gcc, "-c", $"unit{i}.c", "-o", $"unit{i}.o"], folder: work.Path, environment: variables)).Succeeded();
            var stats = (await ToolRun.RunAsync(ccache, ["--print-stats"], folder: work.Path, environment: variables)).Succeeded();
            return stats.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('\t')).ToDictionary(f => f[0], f => long.Parse(f[1], CultureInfo.InvariantCulture), StringComparer.Ordinal);
        }

        var first = await BuildAsync("first");
        first["cache_miss"].ShouldBe(Sources);
        first["remote_storage_write"].ShouldBe(2 * Sources, "a manifest and a result each");
        first["remote_storage_error"].ShouldBe(0);
        first["remote_storage_timeout"].ShouldBe(0);
        var objects = await ReadObjectsAsync(work);

        var second = await BuildAsync("second");
        second["remote_storage_hit"].ShouldBe(Sources);
        second["direct_cache_hit"].ShouldBe(Sources);
        second["cache_miss"].ShouldBe(0);
        second["remote_storage_miss"].ShouldBe(0);
        second["remote_storage_error"].ShouldBe(0);
        second["remote_storage_timeout"].ShouldBe(0);
        (await ReadObjectsAsync(work)).ShouldBe(objects);
    }

    [Fact]
    public async Task A_changed_header_replaces_the_manifest()
    {
        var ccache = Tools.Require("ccache", "ccache");
        var gcc = Tools.Require("gcc", "gcc");
        using var work = new TestFolder();
        await using var node = await NodeProcess.StartAsync(new NodeSetup { Config = Config });
        await File.WriteAllTextAsync(work.File("unit.c"), "#include \"unit.h\"\nint unit(void) { return VALUE; }\n");

        async Task<string> CompileAsync(string localFolder, int value, string statistic)
        {
            var variables = Variables.Of(("CCACHE_DIR", work.File(localFolder)), ("CCACHE_REMOTE_STORAGE", $"{node.Url}cache/ccache|layout=flat|connect-timeout=5000"));
            await File.WriteAllTextAsync(work.File("unit.h"), $"#define VALUE {value}\n");

            // ccache trusts no header that is as new as the compilation.
            File.SetLastWriteTimeUtc(work.File("unit.h"), DateTime.UnixEpoch.AddDays(value));
            (await ToolRun.RunAsync(ccache, [gcc, "-c", "unit.c", "-o", "unit.o"], folder: work.Path, environment: variables)).Succeeded();
            var stats = (await ToolRun.RunAsync(ccache, ["--print-stats"], environment: variables)).Succeeded();
            return stats.Split('\n').Single(l => l.StartsWith($"{statistic}\t", StringComparison.Ordinal)).Split('\t')[1];
        }

        (await CompileAsync("a", 1, "cache_miss")).ShouldBe("1");
        (await CompileAsync("b", 2, "cache_miss")).ShouldBe("1");
        (await CompileAsync("c", 1, "direct_cache_hit")).ShouldBe("1");
        (await CompileAsync("d", 2, "direct_cache_hit")).ShouldBe("1");
    }

    private static async Task<string[]> ReadObjectsAsync(TestFolder work)
    {
        var objects = new List<string>();
        for (var i = 0; i < Sources; i++)
        {
            objects.Add(Convert.ToHexString(global::System.Security.Cryptography.SHA256.HashData(await File.ReadAllBytesAsync(work.File($"unit{i}.o")))));
            File.Delete(work.File($"unit{i}.o"));
        }
        return [.. objects];
    }
}
