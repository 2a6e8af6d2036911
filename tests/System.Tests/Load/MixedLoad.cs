using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using EdgeCache.TestKit;

namespace EdgeCache.System.Tests.Load;

/// <summary>
/// Writers, deleters and readers on a node, over as many lives of its process as wanted. Every byte that is read is checked, and every answer against what was acknowledged before.
/// </summary>
/// <param name="keys">How many keys; what they have together may be more than the node's store takes.</param>
/// <param name="evicts">Whether a blob may be missing because the store is too small for all.</param>
/// <param name="seed">For all that is chosen.</param>
internal sealed class MixedLoad(int keys, bool evicts, int seed)
{
    private const int Writers = 6;
    private const int Readers = 2;

    /// <summary>Nothing behind which only so many bytes were sent can have been evicted: what comes in is on probation until a tenth of the live bytes came after it.</summary>
    private const long RecentBytes = 512 << 10;

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);
    private readonly KeyLedger[] _keys = [.. Enumerable.Range(0, keys).Select(i => new KeyLedger(i, $"/cache/live/key{i}"))];
    private readonly ConcurrentQueue<(KeyLedger Key, int Version, long SentBefore)> _recent = new();
    private volatile bool _stopping;
    private long _acknowledged;
    private long _sent;
    private long _refused;
    private long _hits;
    private long _misses;
    private int _life;

    /// <summary>A node's namespace that this load writes to.</summary>
    public static (string Name, string Value) Namespace => ("EdgeCache__Namespaces__live__Replaceable", "true");

    public long Acknowledged => Volatile.Read(ref _acknowledged);

    public long Refused => Volatile.Read(ref _refused);

    public long Hits => Volatile.Read(ref _hits);

    public override string ToString() => $"{Acknowledged} writes and deletions acknowledged, {Refused} refused, {Hits} hits, {Volatile.Read(ref _misses)} misses";

    /// <summary>Loads the node while the question is answered with true, then kills it in the middle of everything.</summary>
    public Task RunAndKillAsync(NodeProcess node, Func<bool> goesOn) => RunAsync(node, goesOn, node.Kill);

    /// <summary>Loads the node while the question is answered with true, and lets what is under way end.</summary>
    public Task RunAsync(NodeProcess node, Func<bool> goesOn) => RunAsync(node, goesOn, () => { });

    /// <summary>After a start: every key has what it may have, and keeps it.</summary>
    public async Task VerifyAsync(NodeProcess node, string because)
    {
        await Parallel.ForEachAsync(_keys, new ParallelOptions { MaxDegreeOfParallelism = Writers }, async (key, _) =>
        {
            var version = await ReadAsync(node.Client, key, because);
            // An evicted blob says nothing of what was deleted and what not.
            if (version != KeyLedger.Missing || !evicts)
                key.Settle(version);
        });
        foreach (var (key, version, sentBefore) in _recent)
        {
            if (_sent - sentBefore < RecentBytes && key.Look().Possible is [var only] && only == version)
                (await ReadAsync(node.Client, key, because)).ShouldBe(version, $"{because}: {key.Path} has just been acknowledged and is lost");
        }
        _recent.Clear();
    }

    private async Task RunAsync(NodeProcess node, Func<bool> goesOn, Action end)
    {
        using var client = node.NewClient();
        _stopping = false;
        var life = ++_life;
        var workers = Enumerable.Range(0, Writers).Select(i => Task.Run(() => WorkAsync(random => ChangeAsync(client, i, random), unchecked((seed * 31) + (life * 97) + i))))
            .Concat(Enumerable.Range(0, Readers).Select(i => Task.Run(() => WorkAsync(
                async random => await ReadAsync(client, _keys[random.Next(random.Next(1, _keys.Length))], $"seed {seed}"), unchecked((seed * 31) + (life * 97) + 50 + i)))))
            .ToArray();
        await Eventually.TrueAsync(() => !goesOn() || workers.Any(w => w.IsFaulted) || node.HasExited, TimeSpan.FromDays(1), "the load ends");
        node.HasExited.ShouldBeFalse($"The node ended by itself.\n{node.Output}\n{node.Error}");
        _stopping = true;
        end();
        await Task.WhenAll(workers).WaitAsync(Soon);
    }

    private async Task WorkAsync(Func<Random, Task> work, int workSeed)
    {
        var random = new Random(workSeed);
        while (!_stopping)
        {
            try
            {
                await work(random);
            }
            catch (Exception error) when (error is HttpRequestException or IOException or SocketException && _stopping)
            {
                return;
            }
        }
    }

    private async Task ChangeAsync(HttpClient client, int writer, Random random)
    {
        var key = _keys[(random.Next(_keys.Length / Writers) * Writers) + writer];
        var deletes = random.Next(6) == 0;
        var version = key.Begin(deletes);
        var length = deletes ? 0 : LoadContent.LengthOf(key.Number, version);
        var sentBefore = Interlocked.Add(ref _sent, length) - length;
        HttpStatusCode status;
        if (deletes)
        {
            using var answer = await client.DeleteAsync(key.Path);
            status = answer.StatusCode;
            status.ShouldBeOneOf(HttpStatusCode.NoContent, HttpStatusCode.NotFound);
        }
        else
        {
            using var content = new ByteArrayContent(LoadContent.Make(key.Number, version, length));
            using var answer = await client.PutAsync(key.Path, content);
            status = answer.StatusCode;
            if (status == HttpStatusCode.InsufficientStorage && evicts)
            {
                Interlocked.Increment(ref _refused);
                return;
            }
            status.ShouldBeOneOf(HttpStatusCode.Created, HttpStatusCode.OK, HttpStatusCode.NoContent);
        }
        key.Acknowledge(version, deletes);
        Interlocked.Increment(ref _acknowledged);
        if (deletes)
            return;
        _recent.Enqueue((key, version, sentBefore));
        while (_recent.TryPeek(out var oldest) && Volatile.Read(ref _sent) - oldest.SentBefore >= RecentBytes)
            _recent.TryDequeue(out _);
    }

    private async Task<int> ReadAsync(HttpClient client, KeyLedger key, string because)
    {
        var before = key.Look();
        using var answer = await client.GetAsync(key.Path);
        if (answer.StatusCode == HttpStatusCode.NotFound)
        {
            Interlocked.Increment(ref _misses);
            (evicts || key.Allows(before, KeyLedger.Missing)).ShouldBeTrue($"{because}: {key.Path} was acknowledged and is lost; it may have {before}");
            return KeyLedger.Missing;
        }
        answer.StatusCode.ShouldBe(HttpStatusCode.OK, because);
        var version = LoadContent.TryRead(key.Number, await answer.Content.ReadAsByteArrayAsync());
        version.ShouldNotBeNull($"{because}: {key.Path} has bytes that nobody wrote there");
        key.Allows(before, version.Value).ShouldBeTrue($"{because}: {key.Path} has version {version}, deleted or older than what was acknowledged; it may have {before}");
        Interlocked.Increment(ref _hits);
        return version.Value;
    }
}
