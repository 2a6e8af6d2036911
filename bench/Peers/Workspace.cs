using System.Security.Cryptography;

namespace EdgeCache.Bench.Peers;

/// <summary>A folder on the measured disk that holds everything of this run and is removed at its end.</summary>
internal sealed class Workspace : IDisposable
{
    private readonly byte[]? _content;
    private int _folders;

    /// <summary>Makes the folder.</summary>
    /// <param name="parent">Where.</param>
    /// <param name="content">A file of which bodies are made; null for random ones.</param>
    public Workspace(string parent, string? content = null)
    {
        _content = content is null ? null : File.ReadAllBytes(content);
        Root = Path.Combine(parent, $"edgecache-peers-{System.Environment.ProcessId}");
        Directory.CreateDirectory(Root);
    }

    public string Root { get; }

    /// <summary>tmpfs makes every sync free, so the report names the file system.</summary>
    public string FileSystem => new DriveInfo(Root).DriveFormat;

    public string NewFolder(string name) =>
        Directory.CreateDirectory(Path.Combine(Root, $"{name}-{Interlocked.Increment(ref _folders)}")).FullName;

    /// <summary>A file that is a body: of random bytes, which nothing on the way can compress or find again by content, unless there is content to make it of.</summary>
    public string Payload(int size)
    {
        var file = Path.Combine(Root, $"body-{size}");
        if (!File.Exists(file))
        {
            File.WriteAllBytes(file, _content is { Length: > 0 } ? Repeat(_content, size) : RandomNumberGenerator.GetBytes(size));
        }

        return file;
    }

    private static byte[] Repeat(byte[] content, int size)
    {
        var body = new byte[size];
        for (var written = 0; written < size; written += content.Length)
        {
            content.AsSpan(0, Math.Min(content.Length, size - written)).CopyTo(body.AsSpan(written));
        }

        return body;
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
