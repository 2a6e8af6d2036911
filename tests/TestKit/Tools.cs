namespace EdgeCache.TestKit;

/// <summary>The programs that some tests drive the node with.</summary>
public static class Tools
{
    /// <summary>Set to 1 where every tool must be there, as on a build server: then a missing one fails the test instead of skipping it.</summary>
    public const string RequireVariable = "EDGECACHE_REQUIRE_TOOLS";

    /// <summary>The full path of a program. Without the program the test is skipped, or fails where <see cref="RequireVariable"/> is set.</summary>
    public static string Require(string program, string package)
    {
        if (Find(program) is { } path)
            return path;
        Missing($"The program '{program}' is not installed: apt-get install {package}");
        return "";
    }

    /// <summary>Says that something which the test needs is not there.</summary>
    public static void Missing(string what)
    {
        if (Environment.GetEnvironmentVariable(RequireVariable) == "1")
            Assert.Fail(what);
        Assert.Skip(what);
    }

    /// <summary>The full path of a program; null when it is not installed.</summary>
    public static string? Find(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}
