using System.Collections.Concurrent;
using System.Net;
using EdgeCache.Storage;
using EdgeCache.Storage.Tiering;
using Microsoft.Extensions.DependencyInjection;

namespace EdgeCache.Edge.Tests.Delivery;

/// <summary>Readers of large blobs that are sent to the far store.</summary>
public sealed class RedirectTests
{
    private const string Address = "http://127.0.0.1:1/bucket/test/k?X-Amz-Signature=ab%2Fcd";

    private static readonly (string Key, string Value) Above = ("Delivery:RedirectAbove", "1 MiB");

    [Fact]
    public async Task A_GET_is_redirected_and_nobody_may_keep_that()
    {
        var redirector = new FixedRedirector(new Uri(Address));
        await using var node = await StartAsync(redirector, Above, ("Delivery:RedirectLifetime", "90s"));
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { BaseAddress = node.Client.BaseAddress };
        client.DefaultRequestHeaders.Authorization = node.Client.DefaultRequestHeaders.Authorization;

        using var answer = await client.GetAsync("/artifacts/k", TestContext.Current.CancellationToken);

        answer.StatusCode.ShouldBe(HttpStatusCode.TemporaryRedirect);
        answer.Headers.Location!.AbsoluteUri.ShouldBe(Address);
        answer.Headers.CacheControl!.NoStore.ShouldBeTrue();
        answer.Headers.ETag.ShouldBeNull();
        redirector.Asked.ShouldHaveSingleItem().ShouldBe(("artifacts/k", 1L << 20, TimeSpan.FromSeconds(90)));
    }

    [Fact]
    public async Task What_has_no_address_is_served_here()
    {
        var redirector = new FixedRedirector(null);
        await using var node = await StartAsync(redirector, Above);
        await node.PutAsync("/artifacts/k", [1, 2, 3]);
        (await node.Client.GetByteArrayAsync("/artifacts/k", TestContext.Current.CancellationToken)).ShouldBe([1, 2, 3]);
        redirector.Asked.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("HEAD", "", "")]
    [InlineData("GET", "If-None-Match", "\"x\"")]
    [InlineData("GET", "If-Match", "*")]
    [InlineData("GET", "If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT")]
    [InlineData("GET", "If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT")]
    [InlineData("GET", "If-Range", "\"x\"")]
    public async Task What_the_far_store_could_not_answer_alike_is_not_redirected(string method, string name, string value)
    {
        var redirector = new FixedRedirector(new Uri(Address));
        await using var node = await StartAsync(redirector, Above);
        using var answer = await node.SendAsync(new HttpMethod(method), "/artifacts/k", name.Length == 0 ? [] : [(name, value)]);
        answer.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        redirector.Asked.ShouldBeEmpty();
    }

    [Fact]
    public async Task It_is_off_unless_it_is_asked_for()
    {
        var redirector = new FixedRedirector(new Uri(Address));
        await using var node = await StartAsync(redirector);
        (await node.GetAsync("/artifacts/k")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        redirector.Asked.ShouldBeEmpty();
    }

    [Fact]
    public async Task Nobody_is_redirected_without_a_token()
    {
        var redirector = new FixedRedirector(new Uri(Address));
        await using var node = await StartAsync(redirector, Above);
        node.Client.DefaultRequestHeaders.Authorization = null;
        (await node.GetAsync("/artifacts/k")).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        redirector.Asked.ShouldBeEmpty();
    }

    private static Task<TestNode> StartAsync(IRedirector redirector, params (string Key, string Value)[] settings) =>
        TestNode.StartAsync(services => services.AddSingleton(redirector), settings);

    /// <summary>Has one address for everything, or none.</summary>
    private sealed class FixedRedirector(Uri? address) : IRedirector
    {
        public ConcurrentQueue<(string Key, long MinLength, TimeSpan Lifetime)> Asked { get; } = [];

        public ValueTask<Uri?> TryRedirectAsync(BlobKey key, long minLength, TimeSpan lifetime, CancellationToken cancellationToken)
        {
            Asked.Enqueue((key.ToString(), minLength, lifetime));
            return new(address);
        }
    }
}
