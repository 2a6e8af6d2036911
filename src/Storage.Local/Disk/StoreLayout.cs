using System.Globalization;
using EdgeCache.Storage.Local.Files;

namespace EdgeCache.Storage.Local.Disk;

/// <summary>
/// Where things are in a store's folder: <c>segments/</c> (the log, with all small blobs), <c>blobs/ab/ab….generation</c> (a file for each large one, named by the hash
/// of its key), <c>index.snapshot</c>, <c>listing.db</c>, <c>outbox.db</c> (acknowledged and not in the far store yet), <c>tmp/</c> (being written),
/// <c>quarantine/</c> (damaged), <c>edgecache-store.json</c> (the format) and <c>LOCK</c>.
/// </summary>
internal sealed class StoreLayout(string root)
{
    private const string BlobsName = "blobs";
    private const string TemporaryExtension = ".part";
    private const int NameLength = 32;
    private const int GenerationLength = 16;
    private long _temporaryCount;

    public string Root { get; } = root;

    public string Marker => Path.Combine(Root, "edgecache-store.json");

    public string Lock => Path.Combine(Root, "LOCK");

    public string Segments => Path.Combine(Root, "segments");

    public string Snapshot => Path.Combine(Root, "index.snapshot");

    public string Listing => Path.Combine(Root, "listing.db");

    public string Outbox => Path.Combine(Root, "outbox.db");

    /// <summary>Where the SQLite library writes ahead what is not in its file yet.</summary>
    public static string LogOf(string path) => path + "-wal";

    public string Temporary => Path.Combine(Root, "tmp");

    public string Quarantine => Path.Combine(Root, "quarantine");

    /// <summary>The file of a large blob. Each version has its own, so writing a new one leaves the old alone until it is superseded.</summary>
    public string BlobPath(KeyHash hash, long generation)
    {
        var name = hash.ToString();
        return Path.Combine(Root, BlobsName, name[..2], $"{name}.{generation:x16}");
    }

    /// <summary>The files of all versions of a large blob; in general one.</summary>
    public IEnumerable<string> FilesOf(KeyHash hash, IFileSystem files)
    {
        var name = hash.ToString();
        var folder = Path.Combine(Root, BlobsName, name[..2]);
        return files.List(folder).Where(n => n.StartsWith(name + ".", StringComparison.Ordinal)).Select(n => Path.Combine(folder, n));
    }

    public string NewTemporaryPath() => Path.Combine(Temporary, $"{Environment.ProcessId}-{Interlocked.Increment(ref _temporaryCount)}{TemporaryExtension}");

    /// <summary>Makes all folders, readable by their owner alone: artifacts may be anybody's secrets. Durable when it returns.</summary>
    public void Create()
    {
        CreateRoot(Root);
        CreatePrivate(Temporary);
        CreatePrivate(Quarantine);
        CreatePrivate(Segments);
        var blobs = Path.Combine(Root, BlobsName);
        CreatePrivate(blobs);
        foreach (var folder in BlobFolders())
            CreatePrivate(folder);
        Posix.SyncFolder(blobs);
        Posix.SyncFolder(Root);
    }

    /// <summary>Files that by their place and name could be blobs of ours. Those of format 1, where a file had no generation in its name, come with none.</summary>
    public IEnumerable<(string Path, KeyHash Hash, long? Generation)> FindBlobFiles(IFileSystem files)
    {
        foreach (var folder in BlobFolders())
        {
            var prefix = Path.GetFileName(folder);
            foreach (var name in files.List(folder))
            {
                if (name.StartsWith(prefix, StringComparison.Ordinal) && TryParse(name, out var hash, out var generation))
                    yield return (Path.Combine(folder, name), hash, generation);
            }
        }
    }

    /// <summary>The files of one key's large blobs, of whatever generation.</summary>
    public IEnumerable<(string Path, long Generation)> FindFilesOf(KeyHash hash, IFileSystem files)
    {
        var folder = Path.GetDirectoryName(BlobPath(hash, 0))!;
        foreach (var name in files.List(folder))
        {
            if (TryParse(name, out var named, out var generation) && named == hash && generation is { } version)
                yield return (Path.Combine(folder, name), version);
        }
    }

    private static bool TryParse(string name, out KeyHash hash, out long? generation)
    {
        generation = null;
        hash = default;
        if (name.Length < NameLength || !name[..NameLength].All(char.IsAsciiHexDigitLower) || !KeyHash.TryParse(name[..NameLength], out hash))
            return false;
        if (name.Length == NameLength)
            return true;
        if (name.Length != NameLength + 1 + GenerationLength || name[NameLength] != '.' || !name[(NameLength + 1)..].All(char.IsAsciiHexDigitLower))
            return false;
        generation = long.Parse(name.AsSpan(NameLength + 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        return true;
    }

    /// <summary>Whether a name is one that <see cref="NewTemporaryPath"/> gives: a file that a process of ours was writing when it ended.</summary>
    public static bool IsTemporary(string name) =>
        name.EndsWith(TemporaryExtension, StringComparison.Ordinal) && name[..^TemporaryExtension.Length].All(c => char.IsAsciiDigit(c) || c == '-');

    /// <summary>Every folder that <see cref="Create"/> makes.</summary>
    public IEnumerable<string> Folders() => [Root, Temporary, Quarantine, Segments, .. BlobFolders()];

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
