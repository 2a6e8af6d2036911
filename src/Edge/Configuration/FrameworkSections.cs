using Microsoft.Extensions.Logging.Console;

namespace EdgeCache.Edge.Configuration;

/// <summary>The sections beside our own, which the framework and YARP read: their names, and what can be checked of logging.</summary>
internal static class FrameworkSections
{
    public const string ReverseProxy = "ReverseProxy";
    public const string Logging = "Logging";

    private static readonly string[] Known = [OptionSchema.Section, ReverseProxy, Logging];
    private static readonly string[] Formatters = [ConsoleFormatterNames.Simple, ConsoleFormatterNames.Json, ConsoleFormatterNames.Systemd];

    /// <summary>Whether a key is one that the framework and YARP read. Ours are left out, so that no secret of ours is in the host's configuration.</summary>
    public static bool Owns(string key) =>
        key.StartsWith($"{ReverseProxy}:", StringComparison.OrdinalIgnoreCase) || key.StartsWith($"{Logging}:", StringComparison.OrdinalIgnoreCase);

    public static IReadOnlyDictionary<string, string?> Select(IReadOnlyDictionary<string, ConfigurationValue> values) =>
        values.Where(v => Owns(v.Key)).ToDictionary(v => v.Key, v => v.Value.Value, StringComparer.OrdinalIgnoreCase);

    public static void CheckNames(KeyTree root, ConfigurationErrors errors)
    {
        foreach (var section in root.Children.Where(s => !Known.Contains(s.Name, StringComparer.OrdinalIgnoreCase)))
            errors.Add($"{section.Name} ({section.Origin}): is not a known section; there are {string.Join(", ", Known)}.{Suggestion.Sentence(Suggestion.Nearest(section.Name, Known))}");
    }

    /// <summary>Checks what would otherwise throw deep inside the logging library, at start or, worse, at a reload.</summary>
    public static void CheckLogging(IReadOnlyDictionary<string, ConfigurationValue> values, IConfiguration configuration, ConfigurationErrors errors)
    {
        var before = errors.Messages.Count;
        foreach (var (key, entry) in values.Where(v => v.Key.StartsWith($"{Logging}:", StringComparison.OrdinalIgnoreCase) && !string.IsNullOrEmpty(v.Value.Value)))
        {
            if (IsLevel(key) && !Enum.TryParse<LogLevel>(entry.Value, ignoreCase: true, out _))
                errors.AddValue(key, $"must be one of {string.Join(", ", Enum.GetNames<LogLevel>())}.");
        }
        var console = configuration.GetSection($"{Logging}:Console");
        if (console["FormatterName"] is { Length: > 0 } name && !Formatters.Contains(name, StringComparer.OrdinalIgnoreCase))
            errors.AddValue($"{Logging}:Console:FormatterName", $"must be one of {string.Join(", ", Formatters)}.");
        if (errors.Messages.Count > before)
            return;
        try
        {
            _ = console.Get<ConsoleLoggerOptions>();
            _ = console.GetSection("FormatterOptions").Get<SimpleConsoleFormatterOptions>();
            _ = console.GetSection("FormatterOptions").Get<JsonConsoleFormatterOptions>();
        }
        catch (InvalidOperationException e)
        {
            errors.Add($"{Logging}:Console: {e.Message}");
        }
    }

    private static bool IsLevel(string key) => key.Split(':').SkipLast(1).LastOrDefault()?.Equals("LogLevel", StringComparison.OrdinalIgnoreCase) == true;
}
