namespace EdgeCache.System.Tests;

/// <summary>A short way to write a set of environment variables.</summary>
internal static class Variables
{
    public static IReadOnlyDictionary<string, string> Of(params (string Name, string Value)[] variables) =>
        variables.ToDictionary(v => v.Name, v => v.Value, StringComparer.Ordinal);
}
