using System.Collections;

namespace EdgeCache.Edge.Cli;

/// <summary>What a command gets from the process it runs in; a test gives its own.</summary>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
/// <param name="BaseDirectory">The folder of the binary.</param>
/// <param name="CurrentDirectory">The folder in which the command was started.</param>
/// <param name="Environment">The environment variables.</param>
internal sealed record ProcessContext(
    TextWriter Output, TextWriter Error, string BaseDirectory, string CurrentDirectory, IReadOnlyDictionary<string, string> Environment)
{
    /// <summary>Whether somebody watches the standard output, and a line may be written over.</summary>
    public bool IsTerminal { get; init; }

    public static ProcessContext Current() => new(
        Console.Out,
        Console.Error,
        AppContext.BaseDirectory,
        System.Environment.CurrentDirectory,
        System.Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().ToDictionary(e => (string)e.Key, e => (string?)e.Value ?? "", StringComparer.Ordinal))
    {
        IsTerminal = !Console.IsOutputRedirected,
    };
}
