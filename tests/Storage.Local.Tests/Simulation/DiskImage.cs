using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace EdgeCache.Storage.Local.Tests.Simulation;

/// <summary>What a disk holds when the machine comes up again. Nothing in it changes: a disk made from it works on copies.</summary>
internal sealed class DiskImage
{
    private DiskImage(int number, string description, SortedSet<string> folders, SortedDictionary<string, FileImage> files, long freeBytes)
    {
        Number = number;
        Description = description;
        Folders = folders;
        Files = files;
        FreeBytes = freeBytes;
        Hash = HashOf(files);
    }

    /// <summary>Its number among the states of one crash: with the scenario's step and the seed it names the state.</summary>
    public int Number { get; }

    /// <summary>Whether chance chose it, from a seed; otherwise it is one of all that there are, or of those that are chosen by rule.</summary>
    public bool IsSeeded { get; init; }

    /// <summary>Which of the unsynced changes it has, in words.</summary>
    public string Description { get; }

    public IReadOnlySet<string> Folders { get; }

    /// <summary>Files by path.</summary>
    public IReadOnlyDictionary<string, FileImage> Files { get; }

    public long FreeBytes { get; }

    /// <summary>Equal for images with the same files.</summary>
    public string Hash { get; }

    /// <summary>A disk with folders and no files.</summary>
    public static DiskImage Empty(params IEnumerable<string> folders) => Of(0, "an empty disk", folders, [], SimulatedDisk.DefaultFreeBytes);

    public static DiskImage Of(int number, string description, IEnumerable<string> folders, IEnumerable<KeyValuePair<string, FileImage>> files, long freeBytes, bool isSeeded = false) =>
        new(number, description, new(folders, StringComparer.Ordinal), new(files.ToDictionary(), StringComparer.Ordinal), freeBytes) { IsSeeded = isSeeded };

    public override string ToString() => $"state {Number} ({Description}): {string.Join(", ", Files.Select(f => $"{f.Key} {f.Value.Content.Length} B"))}";

    private static string HashOf(SortedDictionary<string, FileImage> files)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> length = stackalloc byte[sizeof(int)];
        foreach (var (path, file) in files)
        {
            var name = Encoding.UTF8.GetBytes(path);
            BinaryPrimitives.WriteInt32LittleEndian(length, name.Length);
            hash.AppendData(length);
            hash.AppendData(name);
            hash.AppendData(file.Hash);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}

/// <summary>The content of a file in an image; shared by all images that have it.</summary>
internal sealed class FileImage(byte[] content)
{
    public ReadOnlyMemory<byte> Content { get; } = content;

    public byte[] Hash { get; } = SHA256.HashData(content);
}
