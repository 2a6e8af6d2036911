using System.Collections.Concurrent;
using System.Net;
using EdgeCache.TestKit;

namespace EdgeCache.System.Tests;

/// <summary>Several nodes, each a process with a folder of its own, in front of one bucket.</summary>
public sealed class SharedBucketTests(S3Fixture fixture) : IClassFixture<S3Fixture>
{
    private const int Nodes = 3;
    private const int Kills = 3;
    private const int Writers = 4;
    private const int MostBeforeKill = 40;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_one_node_takes_all_serve_at_once_and_of_conflicting_writes_one_wins_everywhere()
    {
        var nodes = new List<NodeProcess>();
        try
        {
            for (var i = 0; i < Nodes; i++)
                nodes.Add(await NodeProcess.StartAsync(await SetupAsync("nodes/", proxy: null)));
            foreach (var (length, writer) in ((int, int)[])[(1000, 0), (3_000_000, 1), (20_000_000, 2)])
            {
                var content = Blobs.Bytes(length, seed: length);
                (await PutAsync(nodes[writer], $"a{length}", content)).ShouldBe(HttpStatusCode.Created);
                foreach (var node in nodes)
                    (await node.Client.GetByteArrayAsync($"/artifacts/a{length}", Cancel)).AsSpan().SequenceEqual(content).ShouldBeTrue();
            }

            for (var round = 0; round < 20; round++)
            {
                var key = $"race{round}";
                var answers = await Task.WhenAll(nodes.Select((n, i) => PutAsync(n, key, Blobs.Bytes(20_000, seed: i))));
                answers.Count(a => a == HttpStatusCode.Created).ShouldBe(1);
                answers.Count(a => a == HttpStatusCode.Conflict).ShouldBe(Nodes - 1);
                var winner = Blobs.Bytes(20_000, seed: Array.IndexOf(answers, HttpStatusCode.Created));
                foreach (var node in nodes)
                    (await node.Client.GetByteArrayAsync($"/artifacts/{key}", Cancel)).AsSpan().SequenceEqual(winner).ShouldBeTrue();
            }
        }
        finally
        {
            foreach (var node in nodes)
                await node.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_node_that_is_killed_while_it_writes_through_loses_nothing_that_it_acknowledged()
    {
        await using var proxy = new S3Proxy((await fixture.RequireAsync()).Endpoint) { RoundTrip = TimeSpan.FromMilliseconds(5) };
        using var folder = new TestFolder();
        var setup = await SetupAsync("kills/", proxy) with { Storage = folder.Path };
        await using var other = await NodeProcess.StartAsync(await SetupAsync("kills/", proxy: null));
        var acknowledged = new ConcurrentDictionary<int, bool>();
        var begun = 0;
        for (var kill = 0; kill < Kills; kill++)
        {
            await using (var node = await NodeProcess.StartAsync(setup))
            {
                var enough = acknowledged.Count + MostBeforeKill;
                var writers = Enumerable.Range(0, Writers).Select(_ => Task.Run(() => WriteAsync(node, acknowledged, () => Interlocked.Increment(ref begun)))).ToArray();
                await Eventually.TrueAsync(() => acknowledged.Count >= enough, TimeSpan.FromSeconds(120), "enough is acknowledged");
                node.Kill();
                await Task.WhenAll(writers);
            }
            await using var again = await NodeProcess.StartAsync(setup);
            for (var number = 1; number <= begun; number++)
            {
                foreach (var node in (NodeProcess[])[other, again])
                {
                    using var answer = await node.Client.GetAsync($"/artifacts/k{number}", Cancel);
                    if (!acknowledged.ContainsKey(number) && answer.StatusCode == HttpStatusCode.NotFound)
                        continue;
                    answer.StatusCode.ShouldBe(HttpStatusCode.OK, $"k{number} of {(node == other ? "the other" : "the one that was killed")}: {(answer.IsSuccessStatusCode ? "" : await answer.Content.ReadAsStringAsync(Cancel))}");
                    (await answer.Content.ReadAsByteArrayAsync(Cancel)).AsSpan().SequenceEqual(ContentOf(number)).ShouldBeTrue($"k{number}");
                }
            }
        }
    }

    private static async Task WriteAsync(NodeProcess node, ConcurrentDictionary<int, bool> acknowledged, Func<int> next)
    {
        try
        {
            while (true)
            {
                var number = next();
                if (await PutAsync(node, $"k{number}", ContentOf(number)) == HttpStatusCode.Created)
                    acknowledged[number] = true;
            }
        }
        catch (HttpRequestException)
        {
            // It was killed.
        }
    }

    // Some in one piece, some in parts.
    private static byte[] ContentOf(int number) => Blobs.Bytes(number % 10 == 0 ? 9_000_000 : (number % 7) * 60_000, seed: number);

    private static async Task<HttpStatusCode> PutAsync(NodeProcess node, string key, byte[] content)
    {
        using var body = new ByteArrayContent(content);
        using var answer = await node.Client.PutAsync($"/artifacts/{key}", body, Cancel);
        return answer.StatusCode;
    }

    private async Task<NodeSetup> SetupAsync(string prefix, S3Proxy? proxy)
    {
        var server = await fixture.RequireAsync();
        return new NodeSetup
        {
            Environment = Variables.Of(
                ("EdgeCache__Storage__S3__Endpoint", (proxy?.Endpoint ?? server.Endpoint).GetLeftPart(UriPartial.Authority)),
                ("EdgeCache__Storage__S3__Region", server.Region),
                ("EdgeCache__Storage__S3__Bucket", fixture.Bucket),
                ("EdgeCache__Storage__S3__Prefix", prefix),
                ("EdgeCache__Storage__S3__AccessKey", server.AccessKey),
                ("EdgeCache__Storage__S3__SecretKey", server.SecretKey)),
        };
    }
}
