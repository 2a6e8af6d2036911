using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;

namespace EdgeCache.Bench.Start;

/// <summary>Fills a store, starts the real program on it after a clean stop, after a kill under load and without the snapshot, each beside a start on an empty store.</summary>
internal sealed class Measurement(string folder, int blobs, int rounds)
{
    private const int Connections = 16;

    /// <summary>Blobs that are looked for one by one.</summary>
    private const int Samples = 2000;
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan LoadTime = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan BuildLimit = TimeSpan.FromMinutes(10);
    private readonly string _store = Path.Combine(folder, "store");
    private readonly string _executable = Path.Combine(folder, "program", "edgecache");
    private int _loaded;
    private int _empties;

    public async Task RunAsync(CancellationToken cancel)
    {
        Directory.CreateDirectory(folder);
        await PublishAsync(cancel);
        var filler = new Filler(_store, blobs);
        var rate = await filler.FillAsync(cancel);
        Console.WriteLine(rate is { } perSecond ? $"Filled: {blobs:N0} blobs of 1 KiB, {perSecond:N0} a second, each synced." : $"The folder has {blobs:N0} blobs already.");
        var (heap, opening) = await filler.MeasureHeapAsync(cancel);

        var empty = await RoundsAsync(() => StartAsync(Path.Combine(folder, $"empty-{++_empties}"), isEmpty: true, cancel));
        var clean = await RoundsAsync(() => StartAsync(_store, isEmpty: false, cancel));
        var killed = await RoundsAsync(async () =>
        {
            await KillUnderLoadAsync(cancel);
            return await StartAsync(_store, isEmpty: false, cancel);
        });
        var rebuilt = await RoundsAsync(() =>
        {
            File.Delete(Path.Combine(_store, "index.snapshot"));
            return StartAsync(_store, isEmpty: false, cancel);
        });
        Report(heap, opening, empty, [("clean stop", clean), ("kill -9 under load", killed), ("snapshot removed", rebuilt)]);
    }

    private async Task PublishAsync(CancellationToken cancel)
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "EdgeCache.sln")))
            root = root.Parent ?? throw new InvalidOperationException("EdgeCache.sln is not above this program; run it from the working tree.");
        string[] arguments =
            ["publish", Path.Combine(root.FullName, "src", "Edge"), "-c", "Release", "-o", Path.GetDirectoryName(_executable)!, "--nologo", "-v", "quiet", "-nodeReuse:false", "-p:UseSharedCompilation=false"];
        using var process = Process.Start(new ProcessStartInfo("dotnet", arguments))!;
        await process.WaitForExitAsync(cancel).WaitAsync(BuildLimit, TimeProvider.System, cancel);
        if (process.ExitCode != 0)
            throw new InvalidOperationException("src/Edge can't be published.");
    }

    private async Task<List<StartTimes>> RoundsAsync(Func<Task<StartTimes>> measure)
    {
        var all = new List<StartTimes>();
        while (all.Count < rounds)
            all.Add(await measure());
        return all;
    }

    private async Task<StartTimes> StartAsync(string store, bool isEmpty, CancellationToken cancel)
    {
        await using var node = Node.Start(_executable, store);
        var ready = await node.WaitForAsync("/health/ready", HttpStatusCode.OK, cancel);
        var first = await node.WaitForAsync(Filler.PathOf(blobs / 2), isEmpty ? HttpStatusCode.NotFound : HttpStatusCode.OK, cancel);
        var memory = node.Memory;
        if (isEmpty)
            return new StartTimes(ready, first, first, memory);
        // The count alone could be of other blobs, and the sample alone would take its own time: so first the count, and then the sample, which must all be there.
        while (await node.CountBlobsAsync(cancel) < blobs + _loaded)
            await Task.Delay(Poll, TimeProvider.System, cancel);
        var all = node.Elapsed;
        memory = node.Memory;
        await Parallel.ForEachAsync(Enumerable.Range(0, Samples), cancel, async (_, _) =>
        {
            using var answer = await node.Client.GetAsync(Filler.PathOf(RandomNumberGenerator.GetInt32(blobs)), cancel);
            answer.EnsureSuccessStatusCode();
        });
        return new StartTimes(ready, first, all, memory);
    }

    /// <summary>PUTs from many connections, and the kill in the middle of them.</summary>
    private async Task KillUnderLoadAsync(CancellationToken cancel)
    {
        await using var node = Node.Start(_executable, _store);
        await node.WaitForAsync("/health/ready", HttpStatusCode.OK, cancel);
        var began = TimeProvider.System.GetTimestamp();
        var loads = Enumerable.Range(0, Connections).Select(_ => Task.Run(async () =>
        {
            try
            {
                while (true)
                {
                    using var content = new ByteArrayContent(RandomNumberGenerator.GetBytes(1024));
                    using var answer = await node.Client.PutAsync($"/artifacts/loaded-{RandomNumberGenerator.GetHexString(32, lowercase: true)}", content, cancel);
                    answer.EnsureSuccessStatusCode();
                    Interlocked.Increment(ref _loaded);
                }
            }
            catch (HttpRequestException) when (TimeProvider.System.GetElapsedTime(began) >= LoadTime)
            {
                // Killed.
            }
        }, cancel)).ToArray();
        await Task.Delay(LoadTime, TimeProvider.System, cancel);
        node.Kill();
        await Task.WhenAll(loads);
    }

    private void Report(double heap, TimeSpan opening, List<StartTimes> empty, List<(string Name, List<StartTimes> Times)> kinds)
    {
        var (emptyReady, emptyFirst, emptyMemory) = (Median(empty, t => t.Ready.TotalMilliseconds), Median(empty, t => t.First.TotalMilliseconds), Median(empty, t => t.Memory));
        Console.WriteLine($"\n{blobs:N0} blobs of 1 KiB; medians of {rounds} starts, in ms since the start of the process; in brackets what is more than on an empty store.\n");
        Console.WriteLine("| start after | ready | first blob served | all found | memory | memory a blob |\n|---|---:|---:|---:|---:|---:|");
        Console.WriteLine($"| nothing: an empty store | {emptyReady:N0} | {emptyFirst:N0} | – | {emptyMemory / (1 << 20):N0} MiB | – |");
        foreach (var (name, times) in kinds)
        {
            var (ready, first, all, memory) = (Median(times, t => t.Ready.TotalMilliseconds), Median(times, t => t.First.TotalMilliseconds), Median(times, t => t.All.TotalMilliseconds), Median(times, t => t.Memory));
            Console.WriteLine(
                $"| {name} | {ready:N0} ({ready - emptyReady:N0}) | {first:N0} ({first - emptyFirst:N0}) | {all:N0} ({all - emptyReady:N0}) | {memory / (1 << 20):N0} MiB | {(memory - emptyMemory) / blobs:N0} B |");
        }
        Console.WriteLine($"\nManaged heap of an open store, by the collector's account: {heap / blobs:N0} bytes a blob. Opening it in a process that is warm: {opening.TotalMilliseconds:N0} ms.");
    }

    private static double Median(List<StartTimes> times, Func<StartTimes, double> value) => times.Select(value).Order().ElementAt(times.Count / 2);
}

/// <summary>What one start took.</summary>
/// <param name="Ready">Until it said that it is ready.</param>
/// <param name="First">Until it served a blob.</param>
/// <param name="All">Until every blob was there.</param>
/// <param name="Memory">The process's memory then, in bytes.</param>
internal sealed record StartTimes(TimeSpan Ready, TimeSpan First, TimeSpan All, double Memory);
