using System.Security.Cryptography;

namespace EdgeCache.Edge.Configuration;

/// <summary>
/// The files of one load, each read once, with a digest of what was read. A later look compares contents and nothing else: that finds every
/// change, also a swapped link or a rewrite within the clock's resolution, and no touch without a change. The files are a few kilobytes.
/// </summary>
internal sealed class FileSnapshots
{
    private const string Unreadable = "";

    private readonly Dictionary<string, string> _digests = new(StringComparer.Ordinal);

    /// <summary>Reads a file and remembers it.</summary>
    /// <returns>The content; or null, and why.</returns>
    public (byte[]? Content, string? Fault) Read(string path)
    {
        var (content, fault) = TryRead(path);
        _digests[path] = Digest(content);
        return (content, fault);
    }

    /// <summary>Whether any of the files is not what it was when it was read.</summary>
    public bool HaveChanged() => _digests.Any(f => Digest(TryRead(f.Key).Content) != f.Value);

    private static (byte[]? Content, string? Fault) TryRead(string path)
    {
        try
        {
            return (File.ReadAllBytes(path), null);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return (null, $"there is no file {path}.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return (null, $"{path} can't be read: {e.Message}");
        }
    }

    private static string Digest(byte[]? content) => content is null ? Unreadable : Convert.ToHexString(SHA256.HashData(content));
}
