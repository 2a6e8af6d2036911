using System.Globalization;
using System.Net;
using System.Text;
using EdgeCache.Edge.Observability;
using EdgeCache.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace EdgeCache.Edge.Tests.Transport;

/// <summary>Responses that go straight to the socket: whatever the client does, what arrives is the right bytes or a connection that is cut.</summary>
public sealed class DirectOutputTests : IAsyncLifetime
{
    private const int LargeLength = 8 * 1024 * 1024;

    private static readonly int[] MixedLengths = [0, 1, 100, 4096, 8192, 65_536, 65_537, 200_000];

    private TestNode _node = null!;

    public async ValueTask InitializeAsync() => _node = await TestNode.StartAsync(("Listen:DirectOutput", "true"));

    public ValueTask DisposeAsync() => _node.DisposeAsync();

    [Fact]
    public async Task Blobs_of_all_sizes_come_back_on_one_connection()
    {
        await PutMixedAsync();
        for (var round = 0; round < 3; round++)
        {
            foreach (var length in MixedLengths)
                (await _node.Client.GetByteArrayAsync($"/artifacts/{length}", Stop)).ShouldBe(Blobs.Bytes(length, length));
        }
    }

    [Fact]
    public async Task A_thousand_pipelined_requests_are_answered_in_order_with_the_right_bytes()
    {
        await PutMixedAsync();
        await using var client = await RawClient.ConnectAsync(_node);
        var order = new Random(7).GetItems(MixedLengths, 1000);
        var requests = new StringBuilder();
        foreach (var length in order)
            requests.Append(CultureInfo.InvariantCulture, $"GET /artifacts/{length} {RawClient.Head}");
        var sending = client.SendAsync(requests.ToString());
        foreach (var length in order)
        {
            (await client.ReadHeaderAsync()).ShouldBe((200, length));
            (await client.ReadBodyAsync(length)).ShouldBe(Blobs.Bytes(length, length));
        }
        await sending;
    }

    [Fact]
    public async Task A_client_with_a_tiny_window_that_reads_slowly_gets_everything()
    {
        var content = await PutLargeAsync();
        await using var client = await RawClient.ConnectAsync(_node, receiveBuffer: 16_384);
        await client.SendAsync($"GET /artifacts/large {RawClient.Head}");
        (await client.ReadHeaderAsync()).ShouldBe((200, LargeLength));
        (await client.ReadBodyAsync(LargeLength, step: 3001)).ShouldBe(content);

        // The connection is good for more.
        await client.SendAsync($"HEAD /artifacts/large {RawClient.Head}");
        (await client.ReadHeaderAsync()).ShouldBe((200, LargeLength));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_client_that_leaves_in_the_middle_hurts_nobody_else(bool reset)
    {
        var content = await PutLargeAsync();
        for (var round = 0; round < 20; round++)
        {
            await using var client = await RawClient.ConnectAsync(_node, receiveBuffer: 16_384);
            await client.SendAsync($"GET /artifacts/large {RawClient.Head}");
            (await client.ReadHeaderAsync()).ShouldBe((200, LargeLength));
            var part = (round * 10_007) + 1;
            (await client.ReadBodyAsync(part)).ShouldBe(content[..part]);
            client.Close(reset);
        }

        // Their requests end, all of them: nothing waits for a client that has gone.
        var metrics = _node.Services.GetRequiredService<EdgeMetrics>();
        await Eventually.TrueAsync(() => metrics.Requests == 21, TimeSpan.FromSeconds(20), "all requests are over");
        (await _node.Client.GetByteArrayAsync("/artifacts/large", Stop)).ShouldBe(content);
    }

    [Fact]
    public async Task A_client_that_closes_its_half_gets_the_right_bytes_or_a_cut()
    {
        var content = await PutLargeAsync();
        await using var client = await RawClient.ConnectAsync(_node);
        await client.SendAsync($"GET /artifacts/large {RawClient.Head}");
        client.CloseSending();
        var answer = await client.ReadToEndAsync();
        var body = answer.AsSpan(answer.AsSpan().IndexOf("\r\n\r\n"u8) is >= 0 and var end ? end + 4 : answer.Length);
        content.AsSpan().StartsWith(body).ShouldBeTrue();
    }

    [Fact]
    public async Task Connection_close_ends_after_the_last_byte()
    {
        var content = await PutLargeAsync();
        await using var client = await RawClient.ConnectAsync(_node, receiveBuffer: 16_384);
        await client.SendAsync($"GET /artifacts/large HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TestNode.Token}\r\nConnection: close\r\n\r\n");
        var answer = await client.ReadToEndAsync();
        answer.AsSpan(answer.Length - LargeLength).SequenceEqual(content).ShouldBeTrue();
        answer.AsSpan(0, answer.Length - LargeLength).IndexOf("\r\n\r\n"u8).ShouldBe(answer.Length - LargeLength - 4);
    }

    [Fact]
    public async Task Many_connections_at_once_with_some_that_break_off_get_only_right_bytes()
    {
        await PutMixedAsync();
        await Task.WhenAll(Enumerable.Range(0, 24).Select(async id =>
        {
            var random = new Random(id);
            for (var round = 0; round < 10; round++)
            {
                await using var client = await RawClient.ConnectAsync(_node, receiveBuffer: random.Next(16_384, 200_000));
                var order = random.GetItems(MixedLengths, 8);
                await client.SendAsync(string.Concat(order.Select(length => $"GET /artifacts/{length} {RawClient.Head}")));
                foreach (var length in order.Take(random.Next(9)))
                {
                    (await client.ReadHeaderAsync()).ShouldBe((200, length));
                    (await client.ReadBodyAsync(length)).ShouldBe(Blobs.Bytes(length, length));
                }
                client.Close(reset: random.Next(2) == 0);
            }
        }));
        (await _node.Client.GetByteArrayAsync("/artifacts/65537", Stop)).ShouldBe(Blobs.Bytes(65_537, 65_537));
    }

    [Fact]
    public async Task An_answer_to_a_bad_request_arrives_whole()
    {
        var answer = await _node.SendRawAsync("GET /artifacts/one HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
        answer.ShouldStartWith("HTTP/1.1 400 ");
        (await _node.SendRawAsync("NONSENSE\r\n\r\n")).ShouldStartWith("HTTP/1.1 400 ");
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private async Task PutMixedAsync()
    {
        foreach (var length in MixedLengths)
        {
            using var put = await _node.PutAsync($"/artifacts/{length}", Blobs.Bytes(length, length));
            put.StatusCode.ShouldBe(HttpStatusCode.Created);
        }
    }

    private async Task<byte[]> PutLargeAsync()
    {
        var content = Blobs.Bytes(LargeLength);
        using var put = await _node.PutAsync("/artifacts/large", content);
        put.StatusCode.ShouldBe(HttpStatusCode.Created);
        return content;
    }
}
