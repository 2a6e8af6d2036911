using System.Net;
using System.Text;
using System.Text.Json;
using EdgeCache.Storage;
using EdgeCache.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace EdgeCache.Edge.Tests.Purging;

public sealed class PurgeHttpTests
{
    private static readonly HttpMethod Purge = new("PURGE");
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_blob_is_purged_by_its_address()
    {
        await using var node = await TestNode.StartAsync();
        await node.PutAsync("/artifacts/a", [1]);
        using var answer = await node.SendAsync(Purge, "/artifacts/a");
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        Number(await JsonAsync(answer), "purged").ShouldBe(1);
        (await node.GetAsync("/artifacts/a")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        using var again = await node.SendAsync(Purge, "/artifacts/a");
        again.StatusCode.ShouldBe(HttpStatusCode.OK, "that it is gone is what was asked for");
        Number(await JsonAsync(again), "purged").ShouldBe(0);
        (await node.SendAsync(Purge, "/artifacts/a", ("EdgeCache-Purge", "soft"))).StatusCode.ShouldBe(HttpStatusCode.BadRequest, "there is no far store");
    }

    [Fact]
    public async Task Nobody_purges_without_a_token_not_even_on_a_node_without_one()
    {
        await using var node = await TestNode.StartAsync(("Access:Token", null!));
        node.Client.DefaultRequestHeaders.Authorization = null;
        await node.PutAsync("/artifacts/a", [1]);
        (await node.SendAsync(Purge, "/artifacts/a")).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await PostAsync(node, """{"namespace": "artifacts", "all": true}""")).Status.ShouldBe(HttpStatusCode.Unauthorized);
        (await node.GetAsync("/artifacts/a")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("""{"namespace": "artifacts", "keys": ["app-1", "lib-1", "nothing"]}""", "app-2,lib-2")]
    [InlineData("""{"namespace": "artifacts", "prefix": "app-"}""", "lib-1,lib-2")]
    [InlineData("""{"namespace": "artifacts", "tag": "one"}""", "app-2,lib-2")]
    [InlineData("""{"namespace": "artifacts", "writer": "token"}""", "")]
    [InlineData("""{"namespace": "artifacts", "writer": "somebody"}""", "app-1,app-2,lib-1,lib-2")]
    [InlineData("""{"namespace": "artifacts", "all": true}""", "")]
    public async Task Blobs_are_purged_by_key_prefix_tag_writer_or_all(string call, string left)
    {
        await using var node = await TestNode.StartAsync(("Namespaces:other:Replaceable", "true"));
        string[] keys = ["app-1", "app-2", "lib-1", "lib-2"];
        foreach (var key in keys)
            await node.PutAsync($"/artifacts/{key}", Encoding.UTF8.GetBytes(key), ("Cache-Tag", key.EndsWith('1') ? "one,all" : "two,all"));
        await node.PutAsync("/cache/other/app-1", [1], ("Cache-Tag", "one"));
        var (status, json) = await PostAsync(node, call);
        status.ShouldBe(HttpStatusCode.OK, json.ToString());
        json.GetProperty("state").GetString().ShouldBe("done");
        var remaining = new List<string>();
        foreach (var key in keys)
        {
            if ((await node.GetAsync($"/artifacts/{key}")).StatusCode == HttpStatusCode.OK)
                remaining.Add(key);
        }
        string.Join(',', remaining).ShouldBe(left);
        Number(json, "purged").ShouldBe(keys.Length - remaining.Count);
        (await node.GetAsync("/cache/other/app-1")).StatusCode.ShouldBe(HttpStatusCode.OK);
        var id = json.GetProperty("id").GetString();
        using var report = await node.GetAsync($"/admin/purge/{id}");
        (await JsonAsync(report)).GetProperty("state").GetString().ShouldBe("done");
        (await JsonAsync(await node.GetAsync("/admin/purge"))).GetArrayLength().ShouldBe(1);
        (await node.GetAsync("/admin/purge/none")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("""{"namespace": "artifacts"}""")]
    [InlineData("""{"namespace": "artifacts", "prefix": ""}""")]
    [InlineData("""{"namespace": "artifacts", "tag": "a", "all": true}""")]
    [InlineData("""{"namespace": "artifacts", "keys": []}""")]
    [InlineData("""{"namespace": "artifacts", "keys": ["a/b"]}""")]
    [InlineData("""{"namespace": "artifacts", "keys": [null]}""")]
    [InlineData("""{"namespace": "none", "all": true}""")]
    [InlineData("""{"namespace": "artifacts", "all": true, "mode": "gently"}""")]
    [InlineData("""{"namespace": "artifacts", "all": true, "mode": "soft"}""")]
    [InlineData("""{"namespace": "artifacts", "everything": true}""")]
    public async Task A_call_that_is_not_clear_purges_nothing(string call)
    {
        await using var node = await TestNode.StartAsync();
        await node.PutAsync("/artifacts/a", [1]);
        (await PostAsync(node, call)).Status.ShouldBe(HttpStatusCode.BadRequest);
        (await node.GetAsync("/artifacts/a")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_long_purge_is_a_job_that_tells_how_far_it_is_and_can_be_cancelled()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var node = await TestNode.StartAsync(services =>
        {
            var inner = services.Last(s => s.ServiceType == typeof(IBlobStore));
            services.AddSingleton<IBlobStore>(s => new SlowDelete((IBlobStore)inner.ImplementationFactory!(s), gate.Task));
        });
        for (var i = 0; i < 20; i++)
            await node.PutAsync($"/artifacts/a{i}", [1]);
        var (status, json) = await PostAsync(node, """{"namespace": "artifacts", "all": true}""");
        status.ShouldBe(HttpStatusCode.Accepted);
        var id = json.GetProperty("id").GetString();
        json.GetProperty("state").GetString().ShouldBe("running");
        using var cancel = new HttpRequestMessage(HttpMethod.Delete, $"/admin/purge/{id}") { Content = Json("{}") };
        (await node.Client.SendAsync(cancel)).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        gate.SetResult();
        await Eventually.TrueAsync(async () => (await JsonAsync(await node.GetAsync($"/admin/purge/{id}"))).GetProperty("state").GetString() == "cancelled", Limit, "it is cancelled");
        var left = 0;
        for (var i = 0; i < 20; i++)
            left += (await node.GetAsync($"/artifacts/a{i}")).StatusCode == HttpStatusCode.OK ? 1 : 0;
        left.ShouldBeGreaterThanOrEqualTo(12, "only what was under way was purged");
    }

    [Fact]
    public async Task A_cloudfront_distribution_is_told_in_signed_calls_and_a_cloudflare_zone_in_batches()
    {
        await using var provider = new Provider();
        await using var node = await TestNode.StartAsync(Providers(provider));
        var keys = Enumerable.Range(0, 35).Select(i => $"k{i}").ToArray();
        foreach (var key in keys)
            await node.PutAsync($"/artifacts/{key}", [1], ("Cache-Tag", "t"));

        var (_, byKey) = await PostAsync(node, JsonSerializer.Serialize(new { @namespace = "artifacts", keys }));
        byKey.GetProperty("state").GetString().ShouldBe("done", byKey.ToString());
        var front = provider.Calls.FirstOrDefault(c => c.Head.FirstLine[1] == "/2020-05-31/distribution/E123/invalidation");
        front.Head.ShouldNotBeNull($"{byKey} {string.Join("; ", provider.Calls.Select(c => c.Head.FirstLine[1]))}");
        front.Body.ShouldContain("<Quantity>35</Quantity>");
        front.Body.ShouldContain("<Path>/builds/artifacts/k7</Path>");
        front.Body.ShouldContain("<CallerReference>edgecache-" + byKey.GetProperty("id").GetString() + "-0<");
        IsSigned(front.Head, front.Body).ShouldBeTrue();
        IsSigned(front.Head, front.Body + " ").ShouldBeFalse();
        var flare = provider.Calls.Where(c => c.Head.FirstLine[1] == "/zones/z9/purge_cache").ToList();
        flare.Count.ShouldBe(2);
        flare.ShouldAllBe(c => c.Head["Authorization"] == "Bearer cf-token");
        flare.SelectMany(c => JsonDocument.Parse(c.Body).RootElement.GetProperty("files").EnumerateArray().Select(f => f.GetString())).ShouldBe(keys.Select(k => $"https://cdn.example.com/artifacts/{k}"));

        await node.PutAsync("/artifacts/k1", [1], ("Cache-Tag", "t"));
        await PostAsync(node, """{"namespace": "artifacts", "tag": "t"}""");
        provider.Calls.TakeLast(2).Select(c => c.Body).ShouldContain("""{"tags":["t"]}""");
        provider.Calls.TakeLast(2).ShouldContain(c => c.Body.Contains("<Path>/builds/artifacts/k1</Path>", StringComparison.Ordinal));
        await PostAsync(node, """{"namespace": "artifacts", "prefix": "k"}""");
        provider.Calls.TakeLast(2).Select(c => c.Body).ShouldContain("""{"prefixes":["cdn.example.com/artifacts/k"]}""");
        provider.Calls.TakeLast(2).ShouldContain(c => c.Body.Contains("<Path>/builds/artifacts/k*</Path>", StringComparison.Ordinal));
        await PostAsync(node, """{"namespace": "artifacts", "keys": ["a~b@c+d="]}""");
        provider.Calls.TakeLast(2).ShouldContain(c => c.Body.Contains("<Path>/builds/artifacts/a%7Eb@c+d=</Path>", StringComparison.Ordinal), "CloudFront wants '~' encoded, and nothing else");
        provider.Calls.TakeLast(2).ShouldContain(c => c.Body.Contains("artifacts/a~b@c", StringComparison.Ordinal));
        var count = provider.Calls.Count;
        await PostAsync(node, """{"namespace": "artifacts", "all": true, "outward": false}""");
        provider.Calls.Count.ShouldBe(count);
    }

    [Fact]
    public async Task A_provider_that_is_busy_is_asked_again_and_one_that_refuses_is_in_the_answer()
    {
        await using var provider = new Provider();
        await using var node = await TestNode.StartAsync([.. Providers(provider).Where(s => !s.Item1.Contains(":front:", StringComparison.Ordinal))]);
        provider.Answers.Enqueue("429 Too Many Requests");
        using var good = await node.SendAsync(Purge, "/artifacts/a");
        good.StatusCode.ShouldBe(HttpStatusCode.OK);
        provider.Calls.Count.ShouldBe(2);
        provider.Answers.Enqueue("403 Forbidden");
        using var bad = await node.SendAsync(Purge, "/artifacts/a");
        bad.StatusCode.ShouldBe(HttpStatusCode.BadGateway);
        var json = await JsonAsync(bad);
        json.GetProperty("outward")[0].GetProperty("ok").GetBoolean().ShouldBeFalse();
        json.GetProperty("outward")[0].GetProperty("detail").GetString()!.ShouldStartWith("Status 403 after 1 tries");
        json.ToString().ShouldNotContain("cf-token");
    }

    private static (string, string)[] Providers(Provider provider) =>
    [
        ("Purge:Providers:front:Kind", "cloudfront"),
        ("Purge:Providers:front:Endpoint", provider.Url),
        ("Purge:Providers:front:Id", "E123"),
        ("Purge:Providers:front:PublicUrl", "https://d1.cloudfront.net/builds"),
        ("Purge:Providers:front:AccessKey", "AKIDEXAMPLE"),
        ("Purge:Providers:front:SecretKey", "secret-key"),
        ("Purge:Providers:flare:Kind", "cloudflare"),
        ("Purge:Providers:flare:Endpoint", provider.Url),
        ("Purge:Providers:flare:Id", "z9"),
        ("Purge:Providers:flare:PublicUrl", "https://cdn.example.com"),
        ("Purge:Providers:flare:Token", "cf-token"),
    ];

    /// <summary>Works the signature out from what came over the wire, as AWS does.</summary>
    private static bool IsSigned(HttpHead head, string body)
    {
        var authorization = head["Authorization"]!;
        var names = authorization.Split("SignedHeaders=")[1].Split(',')[0].Split(';');
        names.ShouldContain("host");
        names.ShouldContain("x-amz-date");
        var canonical = $"{head.FirstLine[0]}\n{head.FirstLine[1]}\n\n{string.Concat(names.Select(n => $"{n}:{head[n]}\n"))}\n{string.Join(';', names)}\n{Hash(body)}";
        var scope = authorization.Split("Credential=AKIDEXAMPLE/")[1].Split(',')[0];
        var key = Encoding.UTF8.GetBytes("AWS4secret-key");
        foreach (var part in scope.Split('/').Append($"AWS4-HMAC-SHA256\n{head["x-amz-date"]}\n{scope}\n{Hash(canonical)}"))
            key = System.Security.Cryptography.HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(part));
        return scope.EndsWith("/us-east-1/cloudfront/aws4_request", StringComparison.Ordinal) && authorization.EndsWith($"Signature={Convert.ToHexStringLower(key)}", StringComparison.Ordinal);
    }

    private static string Hash(string text) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static async Task<(HttpStatusCode Status, JsonElement Json)> PostAsync(TestNode node, string call)
    {
        using var content = Json(call);
        using var answer = await node.Client.PostAsync("/admin/purge", content);
        return (answer.StatusCode, await JsonAsync(answer));
    }

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");

    private static async Task<JsonElement> JsonAsync(HttpResponseMessage answer) => JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;

    private static long Number(JsonElement json, string name) => json.GetProperty(name).GetInt64();

    /// <summary>A store whose deletes wait.</summary>
    private sealed class SlowDelete(IBlobStore inner, Task gate) : IBlobStore
    {
        public StoreState State => inner.State;

        public ValueTask<Outcome<IBlobReader>> OpenReadAsync(BlobKey key, ByteRange expected, CancellationToken cancellationToken) => inner.OpenReadAsync(key, expected, cancellationToken);

        public ValueTask<Outcome<BlobMetadata>> StatAsync(BlobKey key, CancellationToken cancellationToken) => inner.StatAsync(key, cancellationToken);

        public ValueTask<Outcome<IBlobWriter>> OpenWriteAsync(BlobKey key, PutOptions options, CancellationToken cancellationToken) => inner.OpenWriteAsync(key, options, cancellationToken);

        public async ValueTask<Outcome<BlobMetadata>> DeleteAsync(BlobKey key, BlobCondition? condition, CancellationToken cancellationToken)
        {
            await gate;
            return await inner.DeleteAsync(key, condition, cancellationToken);
        }

        public IAsyncEnumerable<BlobListing> ListAsync(BlobPrefix prefix, CancellationToken cancellationToken) => inner.ListAsync(prefix, cancellationToken);

        public long GetGeneration(BlobKey key) => inner.GetGeneration(key);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
