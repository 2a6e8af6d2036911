using System.Diagnostics;

namespace EdgeCache.TestKit;

/// <summary>Keeps what happens to be set on the machine of the tests away from the processes that they start.</summary>
internal static class CleanEnvironment
{
    private static readonly string[] Prefixes = ["BUILDER_CACHE_SERVER_", "EdgeCache__", "ReverseProxy__", "Logging__", "CCACHE_", "ASPNETCORE_", "DOTNET_Startup"];
    private static readonly string[] Names = ["http_proxy", "https_proxy", "all_proxy", "CURL_HOME"];

    public static void Apply(ProcessStartInfo start)
    {
        foreach (var name in start.Environment.Keys.Where(IsForeign).ToList())
            start.Environment.Remove(name);
        start.Environment["LC_ALL"] = "C";
    }

    private static bool IsForeign(string name) =>
        Names.Contains(name, StringComparer.OrdinalIgnoreCase) || Prefixes.Any(p => name.StartsWith(p, StringComparison.OrdinalIgnoreCase));
}
