namespace EdgeCache.TestKit;

/// <summary>The files of the repository that the tests were built from.</summary>
public static class Repository
{
    private static readonly string Root = Find();

    /// <summary>The full path of a file or folder.</summary>
    /// <param name="parts">Names, from the repository's root on.</param>
    public static string Path(params ReadOnlySpan<string> parts) => System.IO.Path.Combine([Root, .. parts]);

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "EdgeCache.sln")))
                return folder.FullName;
        }
        throw new InvalidOperationException("The tests run outside of the repository.");
    }
}
