namespace EdgeCache.Edge.Cli;

/// <summary>Writes what is wrong with a configuration, the same way for every command.</summary>
internal static class ErrorReport
{
    public static async Task<int> WriteAsync(IReadOnlyList<string> errors, TextWriter target)
    {
        await target.WriteLineAsync(errors.Count == 1 ? "edgecache: the configuration has an error:" : $"edgecache: the configuration has {errors.Count} errors:");
        foreach (var error in errors)
            await target.WriteLineAsync($"  {error}");
        return ExitCode.Usage;
    }
}
