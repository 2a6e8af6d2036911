using EdgeCache.Edge.Transport;
using EdgeCache.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace EdgeCache.Edge.Tests.Transport;

/// <summary>The memory that connections receive into.</summary>
public sealed class ReceiveBlocksTests
{
    private readonly ReceiveBlocks _blocks = new();

    [Fact]
    public async Task Connections_receive_into_them()
    {
        await using var node = await TestNode.StartAsync();
        using var content = new ByteArrayContent(Blobs.Bytes(300_000, seed: 1));
        (await node.Client.PutAsync("/artifacts/a", content, TestContext.Current.CancellationToken)).EnsureSuccessStatusCode();
        node.Services.GetRequiredService<ReceiveBlocks>().Kept.ShouldBeGreaterThan(0);
    }

    [Fact]
    public void A_block_that_is_given_back_twice_is_not_given_out_twice()
    {
        var first = _blocks.Rent(4096);
        var memory = first.Memory;
        memory.Length.ShouldBe(ReceiveBlocks.BlockLength);
        first.Dispose();
        var second = _blocks.Rent();
        second.Memory.Span.Overlaps(memory.Span).ShouldBeTrue();
        first.Dispose();
        using var third = _blocks.Rent(4096);
        third.Memory.Span.Overlaps(second.Memory.Span).ShouldBeFalse();
        Should.Throw<ObjectDisposedException>(() => first.Memory);
    }

    [Fact]
    public void Only_so_many_are_kept()
    {
        var rented = Enumerable.Range(0, ReceiveBlocks.MaxKept + 10).Select(_ => _blocks.Rent()).ToList();
        foreach (var block in rented)
            block.Dispose();
        _blocks.Kept.ShouldBe(ReceiveBlocks.MaxKept);
    }

    [Fact]
    public void A_longer_one_than_there_is_can_not_be_had() => Should.Throw<ArgumentOutOfRangeException>(() => _blocks.Rent(ReceiveBlocks.BlockLength + 1));

    [Fact]
    public void The_server_may_dispose_it_and_others_go_on()
    {
        _blocks.Create().Dispose();
        using var block = _blocks.Rent();
        block.Memory.Span.Fill(1);
    }
}
