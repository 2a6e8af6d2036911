using EdgeCache.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeCache.Storage.S3.Tests;

/// <summary>A server of its own that goes away and comes back.</summary>
public sealed class OutageTests : IAsyncLifetime
{
    private const int Length = 64 << 20;
    private readonly S3Fixture _fixture = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Reads_and_writes_under_way_end_as_faults_and_all_is_well_after_the_restart()
    {
        var server = await _fixture.RequireAsync();
        if (!server.IsOwn)
            Assert.Skip("The server is not the tests' own: it can't be stopped.");
        var options = S3StoreTest.Options(server, _fixture.Bucket, "") with { Timeout = TimeSpan.FromSeconds(5) };
        await using var store = S3Store.Open(options, TimeProvider.System, NullLogger.Instance);
        var content = Blobs.Bytes(Length);
        (await store.PutAsync(Blobs.Key("stored"), content)).Status.ShouldBe(StoreStatus.Ok);

        await using var reader = (await store.OpenReadAsync(Blobs.Key("stored"), ByteRange.Whole, Cancel)).Value.ShouldNotBeNull();
        await reader.ReadFullyAsync(0, new byte[100_000]);
        var writer = (await store.OpenWriteAsync(Blobs.Key("cut"), new PutOptions(), Cancel)).Value.ShouldNotBeNull();
        (await writer.WriteAsync(content.AsMemory(0, S3StoreOptions.MinPartSize + 1), Cancel)).ShouldBe(StoreStatus.Ok);
        await server.StopAsync();

        // What is already on its way may still arrive; the whole can't.
        await Should.ThrowAsync<IOException>(() => reader.ReadFullyAsync(100_000, new byte[Length - 100_000]));
        await writer.WriteAsync(content.AsMemory(0, 100), Cancel);
        (await writer.CommitAsync(Cancel)).Status.ShouldBe(StoreStatus.Unavailable);
        await writer.DisposeAsync();
        (await store.StatAsync(Blobs.Key("stored"), Cancel)).Status.ShouldBe(StoreStatus.Unavailable);
        (await store.PutAsync(Blobs.Key("small"), Blobs.Bytes(10))).Status.ShouldBe(StoreStatus.Unavailable);
        store.State.Fault.ShouldNotBeNull().ShouldContain(server.Endpoint.Authority);
        store.FreeBuffers.ShouldBe(6);

        await server.StartAsync();

        (await store.GetAsync(Blobs.Key("stored"))).Content.AsSpan().SequenceEqual(content).ShouldBeTrue();
        store.State.Fault.ShouldBeNull();
        (await store.StatAsync(Blobs.Key("cut"), Cancel)).Status.ShouldBe(StoreStatus.Missing);
        (await store.PutAsync(Blobs.Key("cut"), content)).Value.ShouldNotBeNull().Effect.ShouldBe(PutEffect.Created);
    }
}
