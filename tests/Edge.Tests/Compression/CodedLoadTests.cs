using System.Net;
using System.Text;
using EdgeCache.Edge.Compression;
using EdgeCache.Edge.Tests.Transport;
using EdgeCache.TestKit;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace EdgeCache.Edge.Tests.Compression;

/// <summary>Many clients at once that are slow, or leave: what is coded is bounded, and nobody else waits for it.</summary>
public sealed class CodedLoadTests
{
    private static readonly byte[] Text = Contents.Text(6_000_000);

    [Theory]
    [InlineData("zstd")]
    [InlineData("gzip")]
    public async Task Slow_uploads_hold_a_bounded_number_of_places_and_nobody_else_waits(string coding)
    {
        await using var node = await TestNode.StartAsync(services => services.PostConfigure<KestrelServerOptions>(o => o.Limits.MinRequestBodyDataRate = null));
        var content = Text[..400_000];
        var payload = Coder.Encode(coding, content);
        var slow = await BeginAsync(node, coding, payload, UploadCodings.MaxUploads);

        (await PutAsync("late")).ShouldBe(HttpStatusCode.ServiceUnavailable, "all places are taken");
        (await node.PutAsync("/artifacts/plain", content)).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await node.Client.GetByteArrayAsync("/artifacts/plain", Stop)).ShouldBe(content);
        for (var i = 0; i < slow.Length; i++)
        {
            // Some leave, the others go on to the end.
            if (i % 4 == 0)
            {
                slow[i].Close(reset: i % 8 == 0);
                continue;
            }
            await slow[i].SendAsync(Encoding.Latin1.GetString(payload, payload.Length / 2, payload.Length - (payload.Length / 2)));
            (await slow[i].ReadHeaderAsync()).Status.ShouldBe(201);
        }
        await Eventually.TrueAsync(async () => await PutAsync("later") == HttpStatusCode.Created, TimeSpan.FromSeconds(30), "the places of those that left are free");
        for (var i = 0; i < slow.Length; i++)
        {
            await slow[i].DisposeAsync();
            using var got = await node.GetAsync($"/artifacts/slow{i}");
            got.StatusCode.ShouldBe(i % 4 == 0 ? HttpStatusCode.NotFound : HttpStatusCode.OK);
            if (i % 4 != 0)
                (await got.Content.ReadAsByteArrayAsync(Stop)).ShouldBe(content);
        }

        async Task<HttpStatusCode> PutAsync(string name)
        {
            using var put = await node.PutAsync($"/artifacts/{name}", payload, ("Content-Encoding", coding));
            return put.StatusCode;
        }
    }

    [Fact]
    public async Task Uploads_that_are_too_slow_are_cut_and_give_their_places_back()
    {
        await using var node = await TestNode.StartAsync(services => services.PostConfigure<KestrelServerOptions>(o => o.Limits.MinRequestBodyDataRate = new MinDataRate(1_000_000, TimeSpan.FromSeconds(1.5))));
        var payload = Coder.Encode("zstd", Text[..400_000]);
        foreach (var client in await BeginAsync(node, "zstd", payload, UploadCodings.MaxUploads))
        {
            Encoding.Latin1.GetString(await client.ReadToEndAsync()).ShouldNotContain("HTTP/1.1 20");
            await client.DisposeAsync();
        }
        await Eventually.TrueAsync(
            async () =>
            {
                using var put = await node.PutAsync("/artifacts/after", payload, ("Content-Encoding", "zstd"));
                return put.StatusCode == HttpStatusCode.Created;
            },
            TimeSpan.FromSeconds(30),
            "their places are free");
        (await node.GetAsync("/artifacts/slow0")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Slow_readers_of_what_is_decoded_for_them_get_it_whole_and_nobody_else_waits()
    {
        await using var node = await TestNode.StartAsync(services => services.PostConfigure<KestrelServerOptions>(o => o.Limits.MinResponseDataRate = null));
        (await node.PutAsync("/artifacts/large", Text)).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await node.Client.GetByteArrayAsync("/artifacts/large", Stop)).AsSpan().SequenceEqual(Text).ShouldBeTrue();
        // More than may keep a frame between two reads.
        var slow = await Task.WhenAll(Enumerable.Range(0, 100).Select(async _ =>
        {
            var client = await RawClient.ConnectAsync(node, receiveBuffer: 16_384);
            await client.SendAsync($"GET /artifacts/large {RawClient.Head}");
            (await client.ReadHeaderAsync()).ShouldBe((200, Text.Length));
            return client;
        }));

        for (var i = 0; i < 5; i++)
            (await node.Client.GetByteArrayAsync("/artifacts/large", Stop)).AsSpan().SequenceEqual(Text).ShouldBeTrue();
        for (var i = 0; i < slow.Length; i++)
        {
            // Some leave, the others go on to the end.
            if (i % 20 == 0)
                (await slow[i].ReadBodyAsync(Text.Length)).AsSpan().SequenceEqual(Text).ShouldBeTrue();
            slow[i].Close(reset: i % 2 == 0);
            await slow[i].DisposeAsync();
        }
        (await node.Client.GetByteArrayAsync("/artifacts/large", Stop)).AsSpan().SequenceEqual(Text).ShouldBeTrue();
    }

    [Theory]
    [InlineData("lz4")]
    [InlineData("gzip")]
    public async Task Readers_that_leave_in_the_middle_give_their_encoders_back(string coding)
    {
        await using var node = await TestNode.StartAsync();
        (await node.PutAsync("/artifacts/large", Text)).StatusCode.ShouldBe(HttpStatusCode.Created);
        for (var round = 0; round < 4; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ =>
            {
                await using var client = await RawClient.ConnectAsync(node, receiveBuffer: 16_384);
                await client.SendAsync($"GET /artifacts/large {RawClient.Head.Replace("\r\n\r\n", $"\r\nAccept-Encoding: {coding}\r\n\r\n", StringComparison.Ordinal)}");
                await client.ReadBodyAsync(1000);
                client.Close(reset: true);
            }));
        }
        await Eventually.TrueAsync(
            async () =>
            {
                using var got = await node.GetAsync("/artifacts/large", ("Accept-Encoding", coding));
                if (got.Content.Headers.ContentEncoding.Count == 0)
                    return false;
                Coder.Decode(coding, await got.Content.ReadAsByteArrayAsync(Stop)).AsSpan().SequenceEqual(Text).ShouldBeTrue();
                return true;
            },
            TimeSpan.FromSeconds(20),
            "the encoders of those that left are free");
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Begins uploads, all of which have their place, and stops in the middle.</summary>
    private static Task<RawClient[]> BeginAsync(TestNode node, string coding, byte[] payload, int count) => Task.WhenAll(Enumerable.Range(0, count).Select(async i =>
    {
        var client = await RawClient.ConnectAsync(node);
        await client.SendAsync(Upload($"slow{i}", coding, payload.Length));
        (await client.ReadHeaderAsync()).Status.ShouldBe(100);
        await client.SendAsync(Encoding.Latin1.GetString(payload, 0, payload.Length / 2));
        return client;
    }));

    private static string Upload(string name, string coding, int length) =>
        $"PUT /artifacts/{name} {RawClient.Head.Replace("\r\n\r\n", $"\r\nContent-Encoding: {coding}\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n\r\n", StringComparison.Ordinal)}";
}
