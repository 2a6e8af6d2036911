using System.Globalization;
using System.Net;
using System.Text;
using EdgeCache.Edge.Observability;
using EdgeCache.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace EdgeCache.Edge.Tests.Transport;

/// <summary>
/// Clients of all manners at once, on a node whose blobs come and go: many requests in one send, slow readers, tiny windows, resets and closes in the middle, half-closes, ranges,
/// conditions and HEADs between. Every byte that arrives is checked. EDGECACHE_OUTPUT_SOAK_SECONDS makes it longer.
/// </summary>
public sealed class OutputSoakTests
{
    private const int Clients = 12;
    private const int KeysOfALength = 3;

    private static readonly int Seconds = int.TryParse(Environment.GetEnvironmentVariable("EDGECACHE_OUTPUT_SOAK_SECONDS"), out var seconds) ? seconds : 6;
    private static readonly int[] Lengths = [0, 1, 100, 4096, 16_384, 20_000, 65_535, 65_536, 65_537, 300_000, 2_000_000];
    private static readonly byte[][] Contents = [.. Enumerable.Range(0, Lengths.Length * KeysOfALength).Select(key => Blobs.Bytes(Lengths[key / KeysOfALength], seed: key))];
    private readonly string?[] _tags = new string?[Contents.Length];
    private long _answers;
    private long _bytes;
    private long _leaves;

    [Fact]
    public async Task Whatever_clients_do_every_byte_that_arrives_is_right()
    {
        await using var node = await TestNode.StartAsync(("Storage:MaxSize", "256MiB"));
        for (var key = 0; key < Contents.Length; key++)
            _tags[key] = await PutAsync(node, key);
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(Seconds), TimeProvider.System);
        var work = Enumerable.Range(0, Clients).Select(id => Task.Run(() => ClientAsync(node, new Random(id), stop.Token))).Append(Task.Run(() => ChangeAsync(node, stop.Token)));
        await Task.WhenAll(work);

        // Nothing waits for clients that have gone, and the node is as good as before.
        for (var key = 0; key < Contents.Length; key++)
        {
            using var got = await node.GetAsync($"/artifacts/{key}");
            if (got.StatusCode == HttpStatusCode.OK)
                (await got.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)).ShouldBe(Contents[key]);
        }
        var metrics = node.Services.GetRequiredService<EdgeMetrics>();
        TestContext.Current.TestOutputHelper?.WriteLine($"{_answers} answers, {_bytes >> 20} MiB checked, {_leaves} clients that left in the middle, {metrics.Requests} requests");
        _answers.ShouldBeGreaterThan(200);
        _leaves.ShouldBeGreaterThan(5);
    }

    /// <summary>Deletes and writes again, so that blobs move, are read for the first time, and are missing for a moment.</summary>
    private static async Task ChangeAsync(TestNode node, CancellationToken stop)
    {
        var random = new Random(77);
        while (!stop.IsCancellationRequested)
        {
            var key = random.Next(Contents.Length);
            (await node.SendAsync(HttpMethod.Delete, $"/artifacts/{key}")).Dispose();
            await PutAsync(node, key);
        }
    }

    private static async Task<string> PutAsync(TestNode node, int key)
    {
        using var put = await node.PutAsync($"/artifacts/{key}", Contents[key]);
        put.StatusCode.ShouldBe(HttpStatusCode.Created);
        return put.Headers.ETag.ShouldNotBeNull().ToString();
    }

    private async Task ClientAsync(TestNode node, Random random, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await using var client = await RawClient.ConnectAsync(node, random.Next(3) == 0 ? random.Next(4096, 65_536) : 0);
            for (var batch = random.Next(1, 12); batch > 0 && !stop.IsCancellationRequested; batch--)
            {
                var asked = Enumerable.Range(0, random.Next(1, random.Next(2, 24))).Select(_ => NextRequest(random)).ToList();
                await client.SendAsync(string.Concat(asked.Select(a => a.Text)));
                var answered = random.Next(6) == 0 ? random.Next(asked.Count) : asked.Count;
                var step = random.Next(4) == 0 ? random.Next(1, 20_000) : int.MaxValue;
                for (var i = 0; i < answered; i++)
                    await CheckAsync(client, asked[i], step);
                if (answered == asked.Count)
                    continue;
                await LeaveAsync(client, asked[answered], random);
                break;
            }
        }
    }

    private async Task CheckAsync(RawClient client, Request asked, int step)
    {
        var (status, length) = await client.ReadHeaderAsync();
        Interlocked.Increment(ref _answers);
        if (status == 404)
        {
            if (!asked.IsHead)
                await client.ReadBodyAsync(length);
            return;
        }
        status.ShouldBe(asked.Status, asked.Text);
        length.ShouldBe(asked.Status == 304 ? 0 : asked.Length, asked.Text);
        if (asked.IsHead || asked.Status == 304)
            return;
        var body = await client.ReadBodyAsync(length, step);
        body.AsSpan().SequenceEqual(Contents[asked.Key].AsSpan(asked.Offset, asked.Length)).ShouldBeTrue(asked.Text);
        Interlocked.Add(ref _bytes, length);
    }

    /// <summary>Goes away in the middle of an answer: what of it has come must be its beginning.</summary>
    private async Task LeaveAsync(RawClient client, Request asked, Random random)
    {
        Interlocked.Increment(ref _leaves);
        var way = random.Next(3);
        if (way == 0)
            client.CloseSending();
        if (!asked.IsHead && asked is { Status: not 304, Length: > 0 })
        {
            try
            {
                var (status, length) = await client.ReadHeaderAsync();
                var part = random.Next(1, length + 1);
                var body = await client.ReadBodyAsync(part);
                if (status != 404)
                    body.AsSpan().SequenceEqual(Contents[asked.Key].AsSpan(asked.Offset, part)).ShouldBeTrue(asked.Text);
            }
            catch (EndOfStreamException) when (way == 0)
            {
                // The server need not answer one who has closed his half.
            }
        }
        if (way != 0)
            client.Close(reset: way == 1);
    }

    private Request NextRequest(Random random)
    {
        var key = random.Next(Contents.Length);
        var length = Contents[key].Length;
        switch (random.Next(8))
        {
            case 0:
                return new(key, 0, length, 200, true, Text("HEAD", key, ""));
            case 1:
                return new(key, 0, 0, 304, false, Text("GET", key, $"If-None-Match: {_tags[key]}\r\n"));
            case 2 or 3 when length > 0:
                var first = random.Next(length);
                var last = random.Next(first, length);
                return new(key, first, last - first + 1, 206, false, Text("GET", key, $"Range: bytes={first}-{last}\r\n"));
            default:
                return new(key, 0, length, 200, false, Text("GET", key, ""));
        }
    }

    private static string Text(string method, int key, string fields)
    {
        var end = RawClient.Head.Length - 2;
        return new StringBuilder().Append(CultureInfo.InvariantCulture, $"{method} /artifacts/{key} ").Append(RawClient.Head, 0, end).Append(fields).Append("\r\n").ToString();
    }

    private sealed record Request(int Key, int Offset, int Length, int Status, bool IsHead, string Text);
}
