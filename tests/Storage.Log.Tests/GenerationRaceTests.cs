using EdgeCache.TestKit;

namespace EdgeCache.Storage.Log.Tests;

public sealed class GenerationRaceTests : LogStoreTest
{
    [Theory]
    [InlineData("new")]
    [InlineData("replaced")]
    public async Task A_fill_that_began_in_the_middle_of_a_put_never_overtakes_it(string put)
    {
        using var clock = new StepClock();
        await using var store = await OpenAsync(time: clock);
        var key = Blobs.Key("k");
        if (put == "replaced")
            await store.PutAsync(key, "old"u8.ToArray());
        await using var writer = (await store.OpenWriteAsync(key, new PutOptions { Replace = true }, Cancel)).Value.ShouldNotBeNull();
        await writer.WriteAsync("put"u8.ToArray(), Cancel);

        // Every stamp that a fill could have taken while the blob was being published and its readers still saw the old state.
        var stamps = new HashSet<long>();
        clock.OnGetUtcNow = () =>
        {
            if (store.State.Blobs == 0 || put == "replaced")
                stamps.Add(store.GetGeneration(key));
        };
        (await writer.CommitAsync(Cancel)).Status.ShouldBe(StoreStatus.Ok);
        clock.OnGetUtcNow = null;

        stamps.ShouldNotBeEmpty();
        foreach (var stamp in stamps)
        {
            (await store.PutAsync(key, "fill"u8.ToArray(), new PutOptions { Replace = true, IfGeneration = stamp })).Status.ShouldBe(StoreStatus.Superseded);
            (await store.GetAsync(key)).Content.ShouldBe("put"u8.ToArray());
        }
    }

    [Fact]
    public async Task A_fill_with_a_stamp_from_after_the_put_is_published()
    {
        await using var store = await OpenAsync();
        var key = Blobs.Key("k");
        await store.PutAsync(key, "put"u8.ToArray());
        var options = new PutOptions { Replace = true, IfGeneration = store.GetGeneration(key) };
        (await store.PutAsync(key, "refreshed"u8.ToArray(), options)).Status.ShouldBe(StoreStatus.Ok);
    }
}
