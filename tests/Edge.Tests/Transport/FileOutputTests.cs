using System.Diagnostics.Metrics;
using System.Net;
using EdgeCache.Edge.Observability;
using EdgeCache.TestKit;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace EdgeCache.Edge.Tests.Transport;

/// <summary>Hits that the system sends straight from the store's files: the right bytes or a cut, and counted as all others are.</summary>
public sealed class FileOutputTests
{
    private const int LargeLength = 8 * 1024 * 1024;

    /// <summary>What is read at a time where the system does not have it in memory.</summary>
    private const int Stretch = 1 << 20;

    [Theory]
    [InlineData(30_000)]
    [InlineData(65_536)]
    [InlineData(65_537)]
    [InlineData(3_000_000)]
    public async Task A_blob_that_has_been_found_good_is_sent_from_its_file_whole_and_in_part(int length)
    {
        await using var node = await StartAsync();
        using var sent = new FileBytes(node);
        var content = await PutAsync(node, "a", length);
        (await node.Client.GetByteArrayAsync("/artifacts/a", Stop)).ShouldBe(content);
        await EndOfAsync(node, requests: 2);
        sent.Total.ShouldBe(0, "the first read holds it against its checksums");
        (await node.Client.GetByteArrayAsync("/artifacts/a", Stop)).ShouldBe(content);
        await EndOfAsync(node, requests: 3);
        Assert.SkipWhen(sent.Total == 0, "This system can't tell what it has in memory.");
        // The system may have given up a part of it meanwhile: then a stretch is read.
        var first = sent.Total;
        first.ShouldBeInRange(Math.Max(1, length - Stretch), length);

        using var part = await node.GetAsync("/artifacts/a", ("Range", $"bytes=77-{length - 5}"));
        part.StatusCode.ShouldBe(HttpStatusCode.PartialContent);
        (await part.Content.ReadAsByteArrayAsync(Stop)).ShouldBe(content[77..^4]);
        using var small = await node.GetAsync("/artifacts/a", ("Range", "bytes=1000-1999"));
        (await small.Content.ReadAsByteArrayAsync(Stop)).ShouldBe(content[1000..2000]);
        await EndOfAsync(node, requests: 5);
        (sent.Total - first).ShouldBeInRange(Math.Max(1, length - 81 - Stretch), length - 81, "of the parts, the large one alone");
    }

    [Theory]
    [InlineData(160_000)]
    [InlineData(3_000_000)]
    public async Task A_payload_that_has_been_found_good_is_sent_from_its_file_to_whoever_accepts_its_coding(int length)
    {
        await using var node = await StartAsync();
        using var sent = new FileBytes(node);
        var content = Contents.Text(length);
        using (var put = await node.PutAsync("/artifacts/a", content))
            put.StatusCode.ShouldBe(HttpStatusCode.Created);
        var payload = await GetZstdAsync(node, "a");
        payload.Length.ShouldBeLessThan(length / 2, "it is the payload");
        (await node.Client.GetByteArrayAsync("/artifacts/a", Stop)).ShouldBe(content);
        await EndOfAsync(node, requests: 3);
        sent.Total.ShouldBe(0, "the first read holds it against its checksums, and content is in no file");
        (await GetZstdAsync(node, "a")).ShouldBe(payload);
        await EndOfAsync(node, requests: 4);
        Assert.SkipWhen(sent.Total == 0, "This system can't tell what it has in memory.");
        sent.Total.ShouldBeInRange(Math.Max(1, payload.Length - Stretch), payload.Length);
        Compression.Coder.Decode("zstd", payload).ShouldBe(content);
    }

    [Fact]
    public async Task A_payload_whose_file_is_cut_while_it_is_sent_cuts_the_connection_and_is_gone_afterwards()
    {
        await using var node = await StartAsync();
        var content = Contents.Text(3 * LargeLength);
        using (var put = await node.PutAsync("/artifacts/large", content))
            put.StatusCode.ShouldBe(HttpStatusCode.Created);
        var payload = await GetZstdAsync(node, "large");
        await using var client = await RawClient.ConnectAsync(node, receiveBuffer: 16_384);
        await client.SendAsync($"GET /artifacts/large {RawClient.Head.Replace("\r\n\r\n", "\r\nAccept-Encoding: zstd\r\n\r\n", StringComparison.Ordinal)}");
        (await client.ReadHeaderAsync()).ShouldBe((200, payload.Length));
        var path = Directory.EnumerateFiles(Path.Combine(node.StoreFolder, "blobs"), "*", SearchOption.AllDirectories).Single(f => new FileInfo(f).Length > payload.Length);
        await using (var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete))
            file.SetLength(payload.Length - 100_000);

        var arrived = await client.ReadToEndAsync();
        arrived.Length.ShouldBeLessThan(payload.Length);
        payload.AsSpan().StartsWith(arrived).ShouldBeTrue();
        using var after = await node.GetAsync("/artifacts/large");
        after.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_small_blob_comes_from_memory_and_a_head_sends_nothing()
    {
        await using var node = await StartAsync();
        using var sent = new FileBytes(node);
        var small = await PutAsync(node, "small", 4096);
        await PutAsync(node, "large", LargeLength);
        for (var i = 0; i < 4; i++)
        {
            (await node.Client.GetByteArrayAsync("/artifacts/small", Stop)).ShouldBe(small);
            using var head = await node.SendAsync(HttpMethod.Head, "/artifacts/large");
            head.Content.Headers.ContentLength.ShouldBe(LargeLength);
        }
        await EndOfAsync(node, requests: 10);
        sent.Total.ShouldBe(0);
    }

    [Fact]
    public async Task A_file_that_is_cut_while_it_is_sent_cuts_the_connection_and_is_gone_afterwards()
    {
        await using var node = await StartAsync();
        var content = await PutAsync(node, "large", LargeLength);
        (await node.Client.GetByteArrayAsync("/artifacts/large", Stop)).ShouldBe(content);
        await using var client = await RawClient.ConnectAsync(node, receiveBuffer: 16_384);
        await client.SendAsync($"GET /artifacts/large {RawClient.Head}");
        (await client.ReadHeaderAsync()).ShouldBe((200, LargeLength));
        var path = Directory.EnumerateFiles(Path.Combine(node.StoreFolder, "blobs"), "*", SearchOption.AllDirectories).Single(f => new FileInfo(f).Length > LargeLength);
        await using (var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete))
            file.SetLength(LargeLength - 100_000);

        var arrived = await client.ReadToEndAsync();
        arrived.Length.ShouldBeLessThan(LargeLength);
        content.AsSpan().StartsWith(arrived).ShouldBeTrue();
        using var after = await node.GetAsync("/artifacts/large");
        after.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_client_that_does_not_read_is_cut_by_the_servers_minimum_rate()
    {
        // Its own default would allow this much content hours.
        await using var node = await TestNode.StartAsync(
            services => services.PostConfigure<KestrelServerOptions>(o => o.Limits.MinResponseDataRate = new MinDataRate(100_000_000, TimeSpan.FromSeconds(1.5))),
            ("Listen:DirectOutput", "true"));
        var content = await PutAsync(node, "large", LargeLength);
        (await node.Client.GetByteArrayAsync("/artifacts/large", Stop)).ShouldBe(content);
        await using var client = await RawClient.ConnectAsync(node, receiveBuffer: 16_384);
        await client.SendAsync($"GET /artifacts/large {RawClient.Head}");
        (await client.ReadHeaderAsync()).ShouldBe((200, LargeLength));
        await EndOfAsync(node, requests: 3);
        var arrived = await client.ReadToEndAsync();
        arrived.Length.ShouldBeLessThan(LargeLength);
        content.AsSpan().StartsWith(arrived).ShouldBeTrue();
    }

    [Fact]
    public async Task A_client_may_leave_a_response_alone_for_a_minute()
    {
        await using var node = await StartAsync();
        node.Services.GetRequiredService<IOptions<KestrelServerOptions>>().Value.Limits.MinResponseDataRate.ShouldNotBeNull().GracePeriod.ShouldBeGreaterThan(TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Blobs_that_are_replaced_deleted_and_evicted_while_they_are_sent_arrive_as_one_version_or_are_cut()
    {
        await using var node = await StartAsync(("Storage:MaxSize", "64MiB"), ("Storage:Compression:Enabled", "false"));
        int[] lengths = [40_000, 65_536, 600_000];
        var found = 0;
        using var stop = new CancellationTokenSource();
        var writer = Task.Run(async () =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                var length = lengths[i % lengths.Length];
                (await node.SendAsync(HttpMethod.Delete, $"/artifacts/k{i % 9}")).Dispose();
                using var put = await node.PutAsync($"/artifacts/k{i % 9}", Versioned(i, length));
                put.StatusCode.ShouldBe(HttpStatusCode.Created);
            }
        }, Stop);
        using var sent = new FileBytes(node);
        await Task.WhenAll(Enumerable.Range(0, 6).Select(id => Task.Run(
            async () =>
            {
                var started = TimeProvider.System.GetTimestamp();
                for (var i = 0; Volatile.Read(ref found) < 1500 && TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(20); i++)
                {
                    using var got = await node.GetAsync($"/artifacts/k{(i + id) % 9}");
                    if (got.StatusCode == HttpStatusCode.NotFound)
                        continue;
                    Interlocked.Increment(ref found);
                    var body = await got.Content.ReadAsByteArrayAsync(Stop);
                    body.ShouldBe(Versioned(BitConverter.ToInt32(body), body.Length));
                }
            },
            Stop)));
        await stop.CancelAsync();
        await writer;
        found.ShouldBeGreaterThan(100);
        Assert.SkipWhen(sent.Total == 0, "This system can't tell what it has in memory.");
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static Task<TestNode> StartAsync(params (string Key, string Value)[] settings) => TestNode.StartAsync([("Listen:DirectOutput", "true"), .. settings]);

    /// <summary>A client has an answer before the node has counted it.</summary>
    private static Task EndOfAsync(TestNode node, int requests)
    {
        var metrics = node.Services.GetRequiredService<EdgeMetrics>();
        return Eventually.TrueAsync(() => metrics.Requests == requests, TimeSpan.FromSeconds(20), $"{requests} requests are over");
    }

    private static async Task<byte[]> PutAsync(TestNode node, string name, int length)
    {
        var content = Blobs.Bytes(length);
        using var put = await node.PutAsync($"/artifacts/{name}", content);
        put.StatusCode.ShouldBe(HttpStatusCode.Created);
        return content;
    }

    private static async Task<byte[]> GetZstdAsync(TestNode node, string name)
    {
        using var got = await node.GetAsync($"/artifacts/{name}", ("Accept-Encoding", "zstd"));
        got.StatusCode.ShouldBe(HttpStatusCode.OK);
        got.Content.Headers.ContentEncoding.ShouldBe(["zstd"]);
        return await got.Content.ReadAsByteArrayAsync(Stop);
    }

    private static byte[] Versioned(int version, int length)
    {
        var content = new byte[length];
        content.AsSpan().Fill((byte)version);
        BitConverter.TryWriteBytes(content, version);
        return content;
    }

    /// <summary>Counts what a node says to have sent from files.</summary>
    private sealed class FileBytes : IDisposable
    {
        private readonly MeterListener _listener = new();
        private long _total;

        public FileBytes(TestNode node)
        {
            // Nodes of other tests have a meter of the same name.
            var factory = node.Services.GetRequiredService<IMeterFactory>();
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "edgecache_sent_from_files_bytes_total" && ReferenceEquals(instrument.Meter.Scope, factory))
                    listener.EnableMeasurementEvents(instrument);
            };
            _listener.SetMeasurementEventCallback<long>((_, bytes, _, _) => Interlocked.Add(ref _total, bytes));
            _listener.Start();
        }

        public long Total => Volatile.Read(ref _total);

        public void Dispose() => _listener.Dispose();
    }
}
