using System.Globalization;

namespace EdgeCache.Bench.Peers.Servers;

/// <summary>Processor time of a process and everything below it, from /proc: nginx does its work in children of its master.</summary>
internal static class ProcessCpu
{
    /// <summary>The kernel shows times in units of USER_HZ, which is 100 wherever .NET runs.</summary>
    private const double TicksPerSecond = 100;

    private readonly record struct Entry(int Id, int Parent, long Ticks);

    public static double SecondsOfTree(int root)
    {
        var all = Directory.EnumerateDirectories("/proc").Select(Read).OfType<Entry>().ToList();
        var children = all.ToLookup(entry => entry.Parent);
        var ticks = 0L;
        var open = new Queue<Entry>(all.Where(entry => entry.Id == root));
        while (open.TryDequeue(out var entry))
        {
            ticks += entry.Ticks;
            foreach (var child in children[entry.Id])
            {
                open.Enqueue(child);
            }
        }

        return ticks / TicksPerSecond;
    }

    private static Entry? Read(string folder)
    {
        if (!int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var id))
        {
            return null;
        }

        try
        {
            var text = File.ReadAllText(Path.Combine(folder, "stat"));
            // The second field is the program's name and may hold anything, blanks and brackets too; what follows it starts with field 3.
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return new Entry(id, Number(fields[4 - 3]), Number(fields[14 - 3]) + (long)Number(fields[15 - 3]));
        }
        catch (IOException)
        {
            return null; // It ended meanwhile.
        }

        static int Number(string field) => int.Parse(field, CultureInfo.InvariantCulture);
    }
}
