using EdgeCache.Edge.Configuration;

namespace EdgeCache.Edge.Cli;

/// <summary><c>edgecache check-config</c>: reads the configuration as a start would, and starts nothing.</summary>
internal static class CheckConfigCommand
{
    public static async Task<int> RunAsync(ConfigurationSources sources, ProcessContext process, CancellationToken cancellationToken)
    {
        var shown = sources with { TemporaryFolder = sources.Presets.Contains(Presets.TestMode, StringComparer.Ordinal) ? TemporaryFolder.Pattern : null };
        var result = await ConfigurationLoader.LoadAsync(shown, cancellationToken);
        if (result.Configuration is not { } configuration)
            return await ErrorReport.WriteAsync(result.Errors, process.Error);

        (string, string, string)[] rows = [("KEY", "VALUE", "FROM"), .. EffectiveValues.List(configuration).Select(v => (v.Key, v.Value, v.Origin))];
        var keyWidth = rows.Max(r => r.Item1.Length);

        // One long value, such as a path, must not push the last column of every line off the screen.
        var valueWidth = Math.Min(40, rows.Max(r => r.Item2.Length));
        foreach (var (key, value, origin) in rows)
            await process.Output.WriteLineAsync($"{key.PadRight(keyWidth)}  {value.PadRight(valueWidth)}  {origin}");
        return ExitCode.Success;
    }
}
