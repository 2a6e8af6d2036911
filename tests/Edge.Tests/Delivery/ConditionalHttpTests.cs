using System.Net;
using System.Security.Cryptography;
using EdgeCache.TestKit;

namespace EdgeCache.Edge.Tests.Delivery;

/// <summary>Conditional requests and ranges over the wire.</summary>
public sealed class ConditionalHttpTests : IAsyncLifetime
{
    private const string Path = "/cache/ac/k";
    private const string LongAgo = "Sun, 06 Nov 1994 08:49:37 GMT";
    private const string FarAhead = "Sun, 06 Nov 2095 08:49:37 GMT";
    private static readonly byte[] Content = Blobs.Bytes(10_000);
    private static readonly string Tag = $"\"{Convert.ToHexStringLower(SHA256.HashData(Content))}\"";
    private static readonly string OtherTag = $"\"{new string('0', 64)}\"";

    private TestNode _node = null!;

    public async ValueTask InitializeAsync()
    {
        _node = await TestNode.StartAsync(("Namespaces:ac:Replaceable", "true"));
        (await _node.PutAsync(Path, Content)).EnsureSuccessStatusCode();
    }

    public ValueTask DisposeAsync() => _node.DisposeAsync();

    /// <summary>RFC 9110, section 13.2.2: T is the blob's tag, O another one.</summary>
    [Theory]
    [InlineData(200, "If-Match", "T")]
    [InlineData(200, "If-Match", "*")]
    [InlineData(200, "If-Match", "O, T")]
    [InlineData(412, "If-Match", "O")]
    [InlineData(412, "If-Match", "W/T")]
    [InlineData(200, "If-Match", "T", "If-Unmodified-Since", LongAgo)]
    [InlineData(412, "If-Unmodified-Since", LongAgo)]
    [InlineData(200, "If-Unmodified-Since", FarAhead)]
    [InlineData(200, "If-Unmodified-Since", "not a date")]
    [InlineData(304, "If-None-Match", "T")]
    [InlineData(304, "If-None-Match", "W/T")]
    [InlineData(304, "If-None-Match", "*")]
    [InlineData(304, "If-None-Match", "O, T")]
    [InlineData(200, "If-None-Match", "O")]
    [InlineData(200, "If-None-Match", "O", "If-Modified-Since", FarAhead)]
    [InlineData(304, "If-None-Match", "T", "If-Modified-Since", LongAgo)]
    [InlineData(304, "If-Modified-Since", FarAhead)]
    [InlineData(200, "If-Modified-Since", LongAgo)]
    [InlineData(412, "If-Match", "O", "If-None-Match", "T")]
    [InlineData(304, "If-Match", "T", "If-None-Match", "T")]
    [InlineData(400, "If-None-Match", "unquoted")]
    [InlineData(400, "If-Match", "\"open")]
    public async Task Preconditions_of_a_GET_are_evaluated_in_order(int status, string name, string value, string? name2 = null, string? value2 = null)
    {
        (string, string)[] headers = name2 is null ? [(name, Expand(value))] : [(name, Expand(value)), (name2, Expand(value2!))];
        foreach (var method in new[] { HttpMethod.Get, HttpMethod.Head })
        {
            using var answer = await _node.SendAsync(method, Path, headers);
            ((int)answer.StatusCode).ShouldBe(status);
            if (status is 304)
            {
                answer.Headers.ETag!.ToString().ShouldBe(Tag);
                answer.Headers.CacheControl.ShouldNotBeNull();
                (await answer.Content.ReadAsByteArrayAsync()).ShouldBeEmpty();
            }
        }
    }

    [Theory]
    [InlineData(412, "If-None-Match", "*")]
    [InlineData(412, "If-None-Match", "T")]
    [InlineData(200, "If-None-Match", "O")]
    [InlineData(200, "If-Match", "T")]
    [InlineData(200, "If-Match", "*")]
    [InlineData(412, "If-Match", "O")]
    [InlineData(412, "If-Unmodified-Since", LongAgo)]
    [InlineData(200, "If-Unmodified-Since", FarAhead)]
    [InlineData(400, "If-Match", "unquoted")]
    public async Task Preconditions_of_a_PUT_guard_what_is_there(int status, string name, string value)
    {
        using var put = await _node.PutAsync(Path, "new"u8.ToArray(), (name, Expand(value)));
        ((int)put.StatusCode).ShouldBe(status);
        (await _node.Client.GetByteArrayAsync(Path)).ShouldBe(status == 200 ? "new"u8.ToArray() : Content);
    }

    [Fact]
    public async Task Preconditions_of_a_PUT_on_nothing()
    {
        (await _node.PutAsync("/cache/ac/none", "x"u8.ToArray(), ("If-Match", "*"))).StatusCode.ShouldBe(HttpStatusCode.PreconditionFailed);
        (await _node.PutAsync("/cache/ac/none", "x"u8.ToArray(), ("If-None-Match", "*"))).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await _node.PutAsync("/cache/ac/none", "x"u8.ToArray(), ("If-None-Match", "*"))).StatusCode.ShouldBe(HttpStatusCode.PreconditionFailed);
    }

    [Fact]
    public async Task A_DELETE_with_another_tag_deletes_nothing()
    {
        (await _node.SendAsync(HttpMethod.Delete, Path, ("If-Match", OtherTag))).StatusCode.ShouldBe(HttpStatusCode.PreconditionFailed);
        (await _node.SendAsync(HttpMethod.Delete, Path, ("If-Match", Tag))).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await _node.GetAsync(Path, ("If-Match", Tag))).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("bytes=0-0", 206, 0, 1)]
    [InlineData("bytes=100-199", 206, 100, 100)]
    [InlineData("bytes=9999-", 206, 9999, 1)]
    [InlineData("bytes=5000-99999", 206, 5000, 5000)]
    [InlineData("bytes=-10", 206, 9990, 10)]
    [InlineData("bytes=-99999", 206, 0, 10_000)]
    [InlineData("bytes=0-99999999999999999999999999", 206, 0, 10_000)]
    [InlineData("BYTES=0-1", 206, 0, 2)]
    [InlineData("bytes=0-1,5-6", 200, 0, 10_000)]
    [InlineData("lines=0-1", 200, 0, 10_000)]
    [InlineData("bytes=10000-", 416, 0, 0)]
    [InlineData("bytes=-0", 416, 0, 0)]
    [InlineData("bytes=99999999999999999999999999-", 416, 0, 0)]
    [InlineData("bytes=5-4", 400, 0, 0)]
    [InlineData("bytes=a-b", 400, 0, 0)]
    [InlineData("bytes=-", 400, 0, 0)]
    [InlineData("bytes=1", 400, 0, 0)]
    public async Task A_range_is_a_slice_or_a_clear_no(string range, int status, int offset, int length)
    {
        using var got = await _node.GetAsync(Path, ("Range", range));
        ((int)got.StatusCode).ShouldBe(status);
        if (status is 200 or 206)
            (await got.Content.ReadAsByteArrayAsync()).ShouldBe(Content[offset..(offset + length)]);
        if (status == 206)
            got.Content.Headers.GetValues("Content-Range").ShouldBe([$"bytes {offset}-{offset + length - 1}/10000"]);
        if (status == 416)
            got.Content.Headers.GetValues("Content-Range").ShouldBe(["bytes */10000"]);
    }

    [Theory]
    [InlineData("T", 206)]
    [InlineData("O", 200)]
    [InlineData("W/T", 200)]
    [InlineData(LongAgo, 200)]
    [InlineData("rubbish", 200)]
    public async Task A_range_of_another_version_gets_the_whole_blob(string ifRange, int status)
    {
        using var got = await _node.GetAsync(Path, ("Range", "bytes=0-9"), ("If-Range", Expand(ifRange)));
        ((int)got.StatusCode).ShouldBe(status);
        (await got.Content.ReadAsByteArrayAsync()).Length.ShouldBe(status == 206 ? 10 : Content.Length);
    }

    [Fact]
    public async Task A_precondition_comes_before_the_range()
    {
        (await _node.GetAsync(Path, ("Range", "bytes=0-9"), ("If-None-Match", Tag))).StatusCode.ShouldBe(HttpStatusCode.NotModified);
        (await _node.GetAsync(Path, ("Range", "bytes=0-9"), ("If-Match", OtherTag))).StatusCode.ShouldBe(HttpStatusCode.PreconditionFailed);
    }

    private static string Expand(string value) => value.StartsWith("not", StringComparison.Ordinal) || value.EndsWith("GMT", StringComparison.Ordinal) || value.StartsWith('u') || value.StartsWith('r') || value.Contains("open", StringComparison.Ordinal)
        ? value
        : value.Replace("T", Tag, StringComparison.Ordinal).Replace("O", OtherTag, StringComparison.Ordinal);
}
