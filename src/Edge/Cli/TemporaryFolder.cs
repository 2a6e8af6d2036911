namespace EdgeCache.Edge.Cli;

/// <summary>The store of the test mode: a new folder that only this user can enter, removed at the end.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private const string Prefix = "edgecache-test-mode-";

    private TemporaryFolder(string path) => Path = path;

    /// <summary>How the folder will be called, for those who only look.</summary>
    public static string Pattern => System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"{Prefix}*");

    public string Path { get; }

    public static TemporaryFolder Create() => new(Directory.CreateTempSubdirectory(Prefix).FullName);

    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Somebody else removed it, or holds it; the system cleans its temporary folder in time.
        }
    }
}
