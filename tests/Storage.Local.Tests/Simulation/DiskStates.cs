using System.Text;
using EdgeCache.Storage.Local.Files;

namespace EdgeCache.Storage.Local.Tests.Simulation;

/// <summary>Short ways to say what a test of the simulated disk does and expects. A content is a text of one letter a sector, '0' for zeros.</summary>
internal static class DiskStates
{
    public const string Folder = "/d";
    public const string Other = "/e";
    private const int Many = 100_000;

    public static SimulatedDisk NewDisk() => new(Folder, Other);

    /// <summary>A disk with one durable file in it.</summary>
    public static SimulatedDisk NewDisk(string path, string content)
    {
        var disk = NewDisk();
        disk.Put(path, content).Sync();
        disk.SyncFolder(NameTable.FolderOf(path));
        return disk;
    }

    public static IStoreFile Put(this SimulatedDisk disk, string path, string content)
    {
        var file = disk.Create(path);
        file.Write(0, content);
        return file;
    }

    public static void Write(this IStoreFile file, int sector, string content) => file.Write(sector * PendingWrite.SectorLength, Bytes(content));

    public static byte[] Bytes(string content) => [.. content.SelectMany(c => Enumerable.Repeat(c == '0' ? (byte)0 : (byte)c, PendingWrite.SectorLength))];

    /// <summary>Every state after a crash now: each file's name and content, "a=xx b=y".</summary>
    public static IReadOnlyList<string> States(this SimulatedDisk disk) => [.. disk.CrashStates(Many, seed: 1).Select(Words)];

    /// <summary>What a file can hold after a crash now; "none" where it has no name.</summary>
    public static IReadOnlyList<string> Contents(this SimulatedDisk disk, string path) =>
        [.. disk.CrashStates(Many, seed: 1).Select(image => image.Files.TryGetValue(path, out var file) ? Text(file.Content.Span) : "none").Distinct()];

    public static string Words(DiskImage image) => string.Join(' ', image.Files.Select(f => $"{Path.GetFileName(f.Key)}={Text(f.Value.Content.Span)}"));

    public static string ReadAll(this IStoreFile file)
    {
        var bytes = new byte[file.Length];
        file.Read(0, bytes).ShouldBe(bytes.Length);
        return Text(bytes);
    }

    private static string Text(ReadOnlySpan<byte> content)
    {
        var text = new StringBuilder();
        for (var i = 0; i < content.Length; i += PendingWrite.SectorLength)
        {
            var sector = content[i..Math.Min(content.Length, i + PendingWrite.SectorLength)];
            text.Append(sector.ContainsAnyExcept(sector[0]) ? '*' : sector[0] == 0 ? '0' : (char)sector[0]);
        }
        return text.ToString();
    }
}
