using System.Security.Cryptography;

namespace EdgeCache.Bench.Peers;

/// <summary>A folder on the measured disk that holds everything of this run and is removed at its end.</summary>
internal sealed class Workspace : IDisposable
{
    private int _folders;

    public Workspace(string parent)
    {
        Root = Path.Combine(parent, $"edgecache-peers-{System.Environment.ProcessId}");
        Directory.CreateDirectory(Root);
    }

    public string Root { get; }

    /// <summary>tmpfs makes every sync free, so the report names the file system.</summary>
    public string FileSystem => new DriveInfo(Root).DriveFormat;

    public string NewFolder(string name) =>
        Directory.CreateDirectory(Path.Combine(Root, $"{name}-{Interlocked.Increment(ref _folders)}")).FullName;

    /// <summary>A file of random bytes: nothing on the way can compress it or find it again by content.</summary>
    public string Payload(int size)
    {
        var file = Path.Combine(Root, $"body-{size}");
        if (!File.Exists(file))
        {
            File.WriteAllBytes(file, RandomNumberGenerator.GetBytes(size));
        }

        return file;
    }

    /// <summary>Writes what is still dirty, so that one contender's leftovers are not written during the next one's run.</summary>
    public Task SettleAsync(CancellationToken cancel) => Tools.RunAsync("sync", ["-f", Root], TimeSpan.FromMinutes(5), cancel);

    /// <summary>
    /// Gives the space of a folder back and leaves the files, empty, until the end. Deleting them here would spoil the next runs: ext4 walks
    /// around inodes that were freed in the last minutes, and creating a small file then costs ten times as much, whoever does it.
    /// </summary>
    public static void Empty(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            using var handle = File.OpenHandle(file, FileMode.Open, FileAccess.Write);
            RandomAccess.SetLength(handle, 0);
        }
    }

    public void Dispose()
    {
        try
        {
            Directory.Delete(Root, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // Somebody cleaned the temporary folder.
        }
    }
}
