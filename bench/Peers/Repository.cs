namespace EdgeCache.Bench.Peers;

/// <summary>The working tree that this program was built from.</summary>
internal static class Repository
{
    public static string Root()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "EdgeCache.sln")))
            {
                return folder.FullName;
            }
        }

        throw new BenchException("EdgeCache.sln is not above this program; run it from the working tree, or name an executable with --edgecache.");
    }

    /// <summary>The commit that is measured, marked when the tree differs from it.</summary>
    public static async Task<string> DescribeAsync(CancellationToken cancel)
    {
        try
        {
            return (await Tools.RunAsync("git", ["-C", Root(), "describe", "--always", "--dirty"], TimeSpan.FromSeconds(10), cancel)).Trim();
        }
        catch (Exception exception) when (exception is BenchException or System.ComponentModel.Win32Exception)
        {
            return "unknown";
        }
    }
}
