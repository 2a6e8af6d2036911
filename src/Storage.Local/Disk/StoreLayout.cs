namespace EdgeCache.Storage.Local.Disk;

/// <summary>
/// Where things are in a store's folder: <c>blobs/ab/ab…</c> (one file a blob, named by the hash of its key), <c>tmp/</c> (being written),
/// <c>quarantine/</c> (damaged), <c>edgecache-store.json</c> (the format) and <c>LOCK</c>.
/// </summary>
internal sealed class StoreLayout(string root)
{
    private const string BlobsName = "blobs";
    private const string TemporaryExtension = ".part";
    private const int NameLength = 32;
    private long _temporaryCount;

    public string Root { get; } = root;

    public string Marker => Path.Combine(Root, "edgecache-store.json");

    public string Lock => Path.Combine(Root, "LOCK");

    public string Temporary => Path.Combine(Root, "tmp");

    public string Quarantine => Path.Combine(Root, "quarantine");

    public string BlobPath(KeyHash hash)
    {
        var name = hash.ToString();
        return Path.Combine(Root, BlobsName, name[..2], name);
    }

    public string NewTemporaryPath() => Path.Combine(Temporary, $"{Environment.ProcessId}-{Interlocked.Increment(ref _temporaryCount)}{TemporaryExtension}");

    /// <summary>Makes all folders, readable by their owner alone: artifacts may be anybody's secrets. Durable when it returns.</summary>
    public void Create()
    {
        CreateRoot(Root);
        CreatePrivate(Temporary);
        CreatePrivate(Quarantine);
        var blobs = Path.Combine(Root, BlobsName);
        CreatePrivate(blobs);
        foreach (var folder in BlobFolders())
            CreatePrivate(folder);
        Posix.SyncFolder(blobs);
        Posix.SyncFolder(Root);
    }

    /// <summary>Makes the names of all blobs durable: those that a process had given when it was killed may not be.</summary>
    public void SyncBlobFolders()
    {
        foreach (var folder in BlobFolders())
            Posix.SyncFolder(folder);
    }

    /// <summary>Files that by their place and name could be blobs of ours.</summary>
    public IEnumerable<string> FindBlobFiles()
    {
        foreach (var folder in BlobFolders())
        {
            var prefix = Path.GetFileName(folder);
            foreach (var file in Directory.EnumerateFiles(folder))
            {
                var name = Path.GetFileName(file);
                if (name.Length == NameLength && name.StartsWith(prefix, StringComparison.Ordinal) && name.All(char.IsAsciiHexDigitLower) && Posix.IsRegularFile(file))
                    yield return file;
            }
        }
    }

    /// <summary>Files that a process of ours was writing when it ended.</summary>
    public IEnumerable<string> FindTemporaryFiles() =>
        Directory.EnumerateFiles(Temporary, "*" + TemporaryExtension).Where(f => Path.GetFileNameWithoutExtension(f).All(c => char.IsAsciiDigit(c) || c == '-'));

    private IEnumerable<string> BlobFolders() => Enumerable.Range(0, 256).Select(i => Path.Combine(Root, BlobsName, i.ToString("x2")));

    /// <summary>Makes the folder and what is missing above it, and makes the new names durable.</summary>
    private static void CreateRoot(string path)
    {
        if (Directory.Exists(path) || Path.GetDirectoryName(path) is not { } parent)
            return;
        CreateRoot(parent);
        CreatePrivate(path);
        Posix.SyncFolder(parent);
    }

    private static void CreatePrivate(string path)
    {
        if (Directory.Exists(path))
            return;
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(path);
        else
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
