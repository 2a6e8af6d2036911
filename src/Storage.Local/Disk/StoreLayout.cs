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
        CreatePrivate(Root);
        CreatePrivate(Temporary);
        CreatePrivate(Quarantine);
        var blobs = Path.Combine(Root, BlobsName);
        CreatePrivate(blobs);
        for (var i = 0; i < 256; i++)
            CreatePrivate(Path.Combine(blobs, i.ToString("x2")));
        Posix.SyncFolder(blobs);
        Posix.SyncFolder(Root);
    }

    /// <summary>Files that by their place and name could be blobs of ours.</summary>
    public IEnumerable<string> FindBlobFiles()
    {
        foreach (var folder in Directory.EnumerateDirectories(Path.Combine(Root, BlobsName)))
        {
            var prefix = Path.GetFileName(folder);
            foreach (var file in Directory.EnumerateFiles(folder))
            {
                var name = Path.GetFileName(file);
                if (name.Length == NameLength && name.StartsWith(prefix, StringComparison.Ordinal) && name.All(char.IsAsciiHexDigitLower))
                    yield return file;
            }
        }
    }

    /// <summary>Files that a process of ours was writing when it ended.</summary>
    public IEnumerable<string> FindTemporaryFiles() => Directory.EnumerateFiles(Temporary, "*" + TemporaryExtension);

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
