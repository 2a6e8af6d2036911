using System.Net;
using System.Net.Sockets;
using EdgeCache.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeCache.Storage.S3.Tests;

public sealed class FaultTests(S3Fixture fixture) : S3StoreTest(fixture)
{
    private const string WrongSecret = "wrong-secret-0123456789";

    [Theory]
    [InlineData("secret", "secret key does not belong to the access key")]
    [InlineData("key", "does not know the access key")]
    [InlineData("bucket", "The bucket 'no-such-bucket' does not exist")]
    [InlineData("port", "can't be reached: ConnectionRefused")]
    public async Task Every_call_says_what_is_wrong_with_the_settings(string wrong, string expected)
    {
        var store = await OpenAsync(o => wrong switch
        {
            "secret" => o with { SecretKey = WrongSecret },
            "key" => o with { AccessKey = "nobody" },
            "bucket" => o with { Bucket = "no-such-bucket" },
            _ => o with { Endpoint = new Uri($"http://127.0.0.1:{LoopbackServer.FreePort()}") },
        });
        var details = new List<string?>();
        void Note<T>(Outcome<T> outcome)
            where T : class
        {
            // The answer to a HEAD has no body that would tell a wrong secret from a forbidden bucket.
            outcome.Status.ShouldBe(StoreStatus.Unavailable);
            details.Add(outcome.Detail);
        }

        Note(await store.OpenReadAsync(Blobs.Key("k"), ByteRange.Whole, Cancel));
        details[0].ShouldNotBeNull().ShouldContain(expected);
        Note(await store.StatAsync(Blobs.Key("k"), Cancel));
        Note(await store.PutAsync(Blobs.Key("k"), Blobs.Bytes(10)));
        Note(await store.PutAsync(Blobs.Key("k"), Blobs.Bytes(10), new PutOptions { Replace = true }));
        Note(await store.DeleteAsync(Blobs.Key("k"), null, Cancel));
        var listing = await Should.ThrowAsync<IOException>(async () =>
        {
            await foreach (var item in store.ListAsync(new BlobPrefix("test"), Cancel))
                item.ShouldBeNull();
        });
        listing.Message.ShouldContain(expected);
        store.State.Fault.ShouldBe(listing.Message);
        details.ShouldAllBe(d => d != null && !d.Contains(WrongSecret));
    }

    [Fact]
    public async Task A_server_that_never_answers_costs_a_time_out_and_not_more()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await using var store = S3Store.Open(
            new S3StoreOptions { Endpoint = new Uri($"http://{silent.LocalEndpoint}"), Bucket = "bucket", PathStyle = true, AccessKey = "a", SecretKey = "b", Timeout = TimeSpan.FromMilliseconds(300) },
            TimeProvider.System,
            NullLogger.Instance);
        var began = TimeProvider.System.GetTimestamp();
        var outcome = await store.StatAsync(Blobs.Key("k"), Cancel);
        (outcome.Status, outcome.Detail).ShouldBe((StoreStatus.Unavailable, $"http://{silent.LocalEndpoint} did not answer in time."));
        TimeProvider.System.GetElapsedTime(began).ShouldBeLessThan(TimeSpan.FromSeconds(10));
        using var stop = new CancellationTokenSource();
        var waiting = store.StatAsync(Blobs.Key("k"), stop.Token);
        await stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(async () => await waiting);
    }

    [Fact]
    public async Task A_store_that_is_closed_says_so()
    {
        var store = await OpenAsync();
        await store.DisposeAsync();
        (await store.StatAsync(Blobs.Key("k"), Cancel)).Detail.ShouldBe("The store is closed.");
        (await store.OpenWriteAsync(Blobs.Key("k"), new PutOptions(), Cancel)).Status.ShouldBe(StoreStatus.Unavailable);
    }
}
