using System.Net;
using Amazon.S3;
using Amazon.S3.Model;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.S3.Tests;

/// <summary>That the proxy does what other tests rely on, by a plain client.</summary>
public sealed class S3ProxyTests(S3Fixture fixture) : S3StoreTest(fixture)
{
    private const int Length = 300_000;

    private static readonly byte[] Content = Blobs.Bytes(Length);
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false, PooledConnectionIdleTimeout = TimeSpan.FromSeconds(5) });
    private S3Proxy? _proxy;

    private S3Proxy Proxy => _proxy.ShouldNotBeNull();

    private string Name => $"{Prefix}object";

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _client.Dispose();
        if (_proxy is not null)
            await _proxy.DisposeAsync();
    }

    [Fact]
    public async Task Every_kind_of_request_is_counted_by_the_object_it_is_about()
    {
        var server = await Fixture.RequireAsync();
        var proxy = _proxy = new S3Proxy(server.Endpoint);
        var store = await OpenAsync(o => o with { Endpoint = proxy.Endpoint, Capabilities = new S3Capabilities(true, true, false, false) });
        var key = BlobKey.Create("test", "tenant", "a+b");
        var name = $"{Prefix}test/(tenant)/a+b";
        (await store.PutAsync(key, Content)).Status.ShouldBe(StoreStatus.Ok);
        (await store.PutAsync(Blobs.Key("large"), Blobs.Bytes(S3StoreOptions.MinPartSize + 1))).Status.ShouldBe(StoreStatus.Ok);
        await store.GetAsync(key);
        await using (var reader = (await store.OpenReadAsync(key, new Storage.ByteRange(10, 10), Cancel)).Value.ShouldNotBeNull())
            await reader.ReadFullyAsync(10, new byte[10]);
        await store.StatAsync(key, Cancel);
        await foreach (var item in store.ListAsync(new BlobPrefix("test", "tenant"), Cancel))
            item.Key.ShouldBe(key);
        await store.DeleteAsync(key, null, Cancel);

        int[] counts = [.. Enum.GetValues<S3Call>().Select(c => proxy.Count(c, name))];
        counts[(int)S3Call.Put].ShouldBe(1);
        counts[(int)S3Call.Get].ShouldBe(1);
        counts[(int)S3Call.GetRange].ShouldBe(1);
        counts[(int)S3Call.Head].ShouldBeGreaterThanOrEqualTo(1);
        counts[(int)S3Call.Delete].ShouldBe(1);
        (proxy.Count(S3Call.BeginParts), proxy.Count(S3Call.PutPart), proxy.Count(S3Call.CompleteParts), proxy.Count(S3Call.AbortParts)).ShouldBe((1, 2, 1, 0));
        (proxy.Count(S3Call.List), proxy.Count(S3Call.List, name)).ShouldBe((1, 0));
    }

    [Fact]
    public async Task An_answer_can_be_wrong_in_every_way_for_one_request_and_right_for_the_next()
    {
        var url = await PutAsync();
        var etag = (await GetAsync(url)).ETag;

        Fail(S3Fault.FlipBit(200_000));
        var (status, body, _) = await GetAsync(url);
        status.ShouldBe(HttpStatusCode.OK);
        Enumerable.Range(0, Length).Where(i => body[i] != Content[i]).ShouldBe([200_000]);

        Fail(S3Fault.WrongLength(-1));
        (await GetAsync(url)).Body.AsSpan().SequenceEqual(Content.AsSpan(0, Length - 1)).ShouldBeTrue();
        Fail(S3Fault.WrongLength(5));
        (await GetAsync(url)).Body.AsSpan().SequenceEqual((byte[])[.. Content, 0, 0, 0, 0, 0]).ShouldBeTrue();
        Fail(S3Fault.WrongETag("\"other\""));
        (await GetAsync(url)).ETag.ShouldBe("\"other\"");
        Fail(S3Fault.SlowDown);
        (status, body, _) = await GetAsync(url);
        status.ShouldBe(HttpStatusCode.ServiceUnavailable);
        System.Text.Encoding.UTF8.GetString(body).ShouldContain("<Code>SlowDown</Code>");
        Fail(S3Fault.InternalError);
        (await GetAsync(url)).Status.ShouldBe(HttpStatusCode.InternalServerError);

        // .NET asks again by itself when a connection that it has used before ends so.
        Proxy.Fail(S3Fault.Drop, r => r.Call == S3Call.Get);
        await Should.ThrowAsync<HttpRequestException>(() => GetAsync(url));
        Proxy.Heal();

        Fail(S3Fault.CutAfter(100_000));
        (await ReadUntilFailureAsync(url, Timeout.InfiniteTimeSpan)).ShouldBe(100_000);

        (status, body, var right) = await GetAsync(url);
        (status, body.AsSpan().SequenceEqual(Content), right).ShouldBe((HttpStatusCode.OK, true, etag));
    }

    [Fact]
    public async Task An_answer_can_stop_anywhere_until_the_client_gives_up()
    {
        var url = await PutAsync();
        Fail(S3Fault.Hang);
        using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(300), TimeProvider.System);
        await Should.ThrowAsync<OperationCanceledException>(() => _client.GetAsync(url, limit.Token));
        Fail(S3Fault.HangAfter(123_456));
        (await ReadUntilFailureAsync(url, TimeSpan.FromMilliseconds(300))).ShouldBe(123_456);
        (await GetAsync(url)).Body.Length.ShouldBe(Length);
    }

    [Fact]
    public async Task A_rule_is_for_the_requests_that_it_names_and_as_many_of_them_as_it_says()
    {
        var url = await PutAsync();
        var rule = Proxy.Fail(S3Fault.SlowDown, r => r.Call == S3Call.Get && r.Name == Name, skip: 1, times: 2);
        Proxy.Fail(S3Fault.SlowDown, r => r.Name == $"{Name}2");
        var statuses = new List<int>();
        for (var i = 0; i < 4; i++)
            statuses.Add((int)(await GetAsync(url)).Status);
        statuses.ShouldBe([200, 503, 503, 200]);
        rule.Hits.ShouldBe(2);
    }

    [Fact]
    public async Task An_upload_can_be_cut_and_its_answer_lost()
    {
        await PutAsync();
        using var client = await Fixture.NewClientAsync();
        var cut = await SignAsync("cut", HttpVerb.PUT);
        Proxy.Fail(S3Fault.CutRequest(100_000), r => r.Call == S3Call.Put, times: 1);
        using (var body = new ByteArrayContent(Content))
            await Should.ThrowAsync<HttpRequestException>(() => _client.PutAsync(cut, body, Cancel));
        (await client.ListObjectsV2Async(new() { BucketName = Fixture.Bucket, Prefix = $"{Prefix}cut" }, Cancel)).S3Objects.ShouldBeNull();

        var lost = await SignAsync("lost", HttpVerb.PUT);
        Proxy.Fail(S3Fault.LoseAnswer, r => r.Call == S3Call.Put, times: 1);
        using (var body = new ByteArrayContent(Content))
            await Should.ThrowAsync<HttpRequestException>(() => _client.PutAsync(lost, body, Cancel));
        (await client.ListObjectsV2Async(new() { BucketName = Fixture.Bucket, Prefix = $"{Prefix}lost" }, Cancel)).S3Objects.ShouldHaveSingleItem().Size.ShouldBe(Length);
    }

    [Fact]
    public async Task Connections_are_refused_and_taken_again_on_the_same_port()
    {
        var url = await PutAsync();
        await Proxy.RefuseAsync();
        (await Should.ThrowAsync<HttpRequestException>(() => GetAsync(url))).HttpRequestError.ShouldBe(HttpRequestError.ConnectionError);
        Proxy.Accept();
        (await GetAsync(url)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_gate_holds_what_it_names_and_nothing_else()
    {
        var url = await PutAsync();
        var gate = Proxy.Hold(r => r.Call == S3Call.GetRange);
        using var request = new HttpRequestMessage(HttpMethod.Get, url) { Headers = { Range = new(0, 9) } };
        var held = _client.SendAsync(request, Cancel);
        await gate.Reached;
        (await GetAsync(url)).Body.Length.ShouldBe(Length);
        held.IsCompleted.ShouldBeFalse();
        gate.Open();
        using var answer = await held;
        (await answer.Content.ReadAsByteArrayAsync(Cancel)).ShouldBe(Content[..10]);
    }

    [Fact]
    public async Task A_far_network_takes_its_time()
    {
        var url = await PutAsync();
        Proxy.RoundTrip = TimeSpan.FromMilliseconds(50);
        (await TimeAsync(url)).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromMilliseconds(49));
        Proxy.RoundTrip = TimeSpan.Zero;
        Proxy.BytesPerSecond = 4 * Length;
        (await TimeAsync(url)).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromMilliseconds(220));
        Proxy.BytesPerSecond = null;
        Fail(S3Fault.Trickle(2 * Length));
        (await TimeAsync(url)).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromMilliseconds(460));
    }

    private void Fail(S3Fault fault) => Proxy.Fail(fault, r => r.Call == S3Call.Get, times: 1);

    private async Task<TimeSpan> TimeAsync(Uri url)
    {
        var began = TimeProvider.System.GetTimestamp();
        (await GetAsync(url)).Body.AsSpan().SequenceEqual(Content).ShouldBeTrue();
        return TimeProvider.System.GetElapsedTime(began);
    }

    private async Task<(HttpStatusCode Status, byte[] Body, string? ETag)> GetAsync(Uri url)
    {
        using var answer = await _client.GetAsync(url, Cancel);
        return (answer.StatusCode, await answer.Content.ReadAsByteArrayAsync(Cancel), answer.Headers.ETag?.Tag);
    }

    private async Task<int> ReadUntilFailureAsync(Uri url, TimeSpan limit)
    {
        using var end = new CancellationTokenSource(limit, TimeProvider.System);
        using var answer = await _client.GetAsync(url, HttpCompletionOption.ResponseHeadersRead, Cancel);
        await using var stream = await answer.Content.ReadAsStreamAsync(Cancel);
        var buffer = new byte[10_000];
        var sum = 0;
        try
        {
            while (await stream.ReadAsync(buffer, end.Token) is > 0 and var read)
                sum += read;
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            return sum;
        }
        throw new InvalidOperationException($"It ended well after {sum}.");
    }

    /// <summary>The object, past the proxy, and an address for it through the proxy.</summary>
    private async Task<Uri> PutAsync()
    {
        _proxy = new S3Proxy((await Fixture.RequireAsync()).Endpoint);
        using var client = await Fixture.NewClientAsync();
        await client.PutObjectAsync(new PutObjectRequest { BucketName = Fixture.Bucket, Key = Name, InputStream = new MemoryStream(Content), UseChunkEncoding = false }, Cancel);
        return await SignAsync("object", HttpVerb.GET);
    }

    private async Task<Uri> SignAsync(string name, HttpVerb verb)
    {
        using var client = await Fixture.NewClientAsync(Proxy.Endpoint);
        var request = new GetPreSignedUrlRequest { BucketName = Fixture.Bucket, Key = Prefix + name, Verb = verb, Protocol = Protocol.HTTP, Expires = TimeProvider.System.GetUtcNow().UtcDateTime.AddHours(1) };
        return new Uri(await client.GetPreSignedURLAsync(request));
    }
}
