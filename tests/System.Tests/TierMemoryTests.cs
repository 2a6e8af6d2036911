using System.Globalization;
using System.Net;
using EdgeCache.System.Tests.Load;
using EdgeCache.TestKit;

namespace EdgeCache.System.Tests;

/// <summary>
/// Many large artifacts at once go through a node into a bucket and come out of it. The disk has room for few of them, so most stream past it. EDGECACHE_TIER_MEMORY_MIB says how large each is.
/// </summary>
public sealed class TierMemoryTests(ITestOutputHelper output)
{
    private const int Transfers = 64;
    private const int LimitMiB = 300;
    private const long MiB = 1L << 20;
    private static readonly long Length = MiB * (int.TryParse(Environment.GetEnvironmentVariable("EDGECACHE_TIER_MEMORY_MIB"), out var size) ? size : 9);

    [Theory]
    [InlineData(2)]
    [InlineData(16)]
    public async Task Many_large_transfers_at_once_leave_the_node_small(int fitting)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(10));
        var digest = new Pattern().Digest(Length);
        await using var bucket = new DiscardingBucket();
        for (var i = 0; i < Transfers; i++)
            bucket.Offer($"artifacts/get{i}", Length, digest);
        await using var node = await NodeProcess.StartAsync(new NodeSetup
        {
            Arguments = ["--max-size", $"{fitting * Length / MiB}MiB"],
            Environment = Variables.Of(
                ("EdgeCache__Storage__S3__Endpoint", bucket.Endpoint.GetLeftPart(UriPartial.Authority)),
                ("EdgeCache__Storage__S3__Bucket", "bucket"),
                ("EdgeCache__Storage__S3__AccessKey", "key"),
                ("EdgeCache__Storage__S3__SecretKey", "secret")),
        });
        using var client = node.NewClient();
        client.Timeout = Timeout.InfiniteTimeSpan;

        var (idle, began) = (node.ReadPeakMemory(), TimeProvider.System.GetTimestamp());
        await Task.WhenAll(Enumerable.Range(0, Transfers).Select(i => Task.Run(() => PutAsync(client, $"/artifacts/put{i}", digest, limit.Token))));
        var (puts, up) = (node.ReadPeakMemory(), TimeProvider.System.GetElapsedTime(began));
        for (var i = 0; i < Transfers; i++)
            bucket.Find($"artifacts/put{i}").ShouldBe(Length);

        began = TimeProvider.System.GetTimestamp();

        // All have begun before any is read: none ends until all are under way.
        var answers = await Task.WhenAll(Enumerable.Range(0, Transfers).Select(i => client.GetAsync($"/artifacts/get{i}", HttpCompletionOption.ResponseHeadersRead, limit.Token)));
        try
        {
            await Task.WhenAll(answers.Select(answer => Task.Run(() => ReadAsync(answer, limit.Token))));
        }
        catch (IOException)
        {
            // Only the node knows why it has cut a transfer, and at its end it has said everything.
            node.Terminate();
            var code = await node.WaitForExitAsync();
            output.WriteLine($"{node.Output}\n{node.Error}\nIt ended with {code}.");
            throw;
        }
        var (gets, down) = (node.ReadPeakMemory(), TimeProvider.System.GetElapsedTime(began));

        var all = Transfers * Length / MiB;
        output.WriteLine($"{Transfers} x {Length / MiB} MiB, room for {fitting}: peak memory {idle / MiB} MiB at the start, {puts / MiB} after the PUTs ({all / up.TotalSeconds:0} MiB/s), {gets / MiB} after the GETs ({all / down.TotalSeconds:0} MiB/s)");
        // Where there is room for some, eviction may be quick enough for all.
        foreach (var counter in fitting > 2 ? (string[])[] : ["edgecache_far_direct_writes_total", "edgecache_far_direct_reads_total"])
            (await ReadAsync(node, counter)).ShouldBeGreaterThan(0, $"what has no room must stream past the disk ({counter})");
        gets.ShouldBeLessThan(LimitMiB * MiB);
    }

    private static async Task PutAsync(HttpClient client, string path, string digest, CancellationToken cancellationToken)
    {
        using var content = new PatternContent(Length);
        using var answer = await client.PutAsync(path, content, cancellationToken);
        answer.StatusCode.ShouldBe(HttpStatusCode.Created);
        answer.Headers.ETag!.Tag.ShouldBe($"\"{digest}\"");
    }

    private static async Task ReadAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        using var held = answer;
        if (answer.StatusCode != HttpStatusCode.OK)
            Assert.Fail($"{answer.StatusCode}: {await answer.Content.ReadAsStringAsync(cancellationToken)}");
        await using var body = await answer.Content.ReadAsStreamAsync(cancellationToken);
        (await new Pattern().CompareAsync(body, cancellationToken)).ShouldBe(Length);
    }

    private static async Task<double> ReadAsync(NodeProcess node, string series)
    {
        var line = (await node.Client.GetStringAsync("/metrics")).Split('\n').Single(l => l.StartsWith(series + " ", StringComparison.Ordinal));
        return double.Parse(line[(series.Length + 1)..], CultureInfo.InvariantCulture);
    }
}
