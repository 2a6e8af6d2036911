using System.Net;
using System.Net.Sockets;
using EdgeCache.TestKit;

namespace EdgeCache.System.Tests;

/// <summary>A stop lets running transfers end, for as long as it is told to wait, and no longer.</summary>
public sealed class GracefulStopTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    /// <summary>Longer than a node waits for a folder whose owner is not about to leave.</summary>
    private static readonly TimeSpan LongerThanForARunningOwner = TimeSpan.FromSeconds(2);

    [Fact]
    public async Task A_running_download_and_a_running_upload_end_well_while_new_connections_are_refused()
    {
        await using var node = await NodeProcess.StartAsync();
        var large = Blobs.Bytes(48 << 20);
        var small = Blobs.Bytes(4 << 20, seed: 2);
        using var content = new ByteArrayContent(large);
        (await node.Client.PutAsync("/artifacts/large", content)).StatusCode.ShouldBe(HttpStatusCode.Created);
        using var download = await node.Client.GetAsync("/artifacts/large", HttpCompletionOption.ResponseHeadersRead);
        await using var body = await download.Content.ReadAsStreamAsync();
        await body.ReadExactlyAsync(new byte[1000]);
        using var gated = new GatedContent(small);
        var upload = node.Client.PutAsync("/artifacts/small", gated);
        await gated.HalfSent.WaitAsync(Soon);
        await UploadHasBegunAsync(node);

        node.Terminate();
        await Eventually.TrueAsync(() => IsRefusedAsync(node.Url), Soon, "a new connection is refused");
        node.HasExited.ShouldBeFalse();
        gated.Open();
        (await upload.WaitAsync(Soon)).StatusCode.ShouldBe(HttpStatusCode.Created);
        node.HasExited.ShouldBeFalse();
        var rest = new byte[large.Length - 1000];
        await body.ReadExactlyAsync(rest).AsTask().WaitAsync(Soon);
        rest.AsSpan().SequenceEqual(large.AsSpan(1000)).ShouldBeTrue();
        (await node.WaitForExitAsync()).ShouldBe(0);

        await using var next = await NodeProcess.StartAsync(new NodeSetup { Storage = Path.Combine(node.Folder, "store") });
        (await next.Client.GetByteArrayAsync("/artifacts/small")).AsSpan().SequenceEqual(small).ShouldBeTrue();
    }

    [Fact]
    public async Task A_transfer_that_is_stuck_is_cut_at_the_end_of_the_drain_time()
    {
        await using var node = await NodeProcess.StartAsync(new NodeSetup { Environment = Variables.Of(("EdgeCache__Listen__DrainTimeout", "1s")) });
        using var gated = new GatedContent(Blobs.Bytes(4 << 20));
        var upload = node.Client.PutAsync("/artifacts/stuck", gated);
        await gated.HalfSent.WaitAsync(Soon);
        await UploadHasBegunAsync(node);

        var began = TimeProvider.System.GetTimestamp();
        node.Terminate();
        (await node.WaitForExitAsync()).ShouldBe(0);
        var took = TimeProvider.System.GetElapsedTime(began);
        took.ShouldBeInRange(TimeSpan.FromSeconds(0.9), TimeSpan.FromSeconds(10));
        gated.Open();
        await Should.ThrowAsync<HttpRequestException>(upload.WaitAsync(Soon));

        await using var next = await NodeProcess.StartAsync(new NodeSetup { Storage = Path.Combine(node.Folder, "store") });
        (await next.Client.GetAsync("/artifacts/stuck")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_successor_on_the_same_folder_waits_for_a_node_that_drains_and_then_serves()
    {
        await using var first = await NodeProcess.StartAsync();
        var content = Blobs.Bytes(4 << 20);
        using var gated = new GatedContent(content);
        var upload = first.Client.PutAsync("/artifacts/last", gated);
        await gated.HalfSent.WaitAsync(Soon);
        await UploadHasBegunAsync(first);
        first.Terminate();
        await Eventually.TrueAsync(() => IsRefusedAsync(first.Url), Soon, "the first node stops");

        await using var second = NodeProcess.Launch(new NodeSetup { Storage = Path.Combine(first.Folder, "store") });
        await Eventually.StaysAsync(() => !second.HasExited && second.Output.Length == 0, LongerThanForARunningOwner, $"the second node waits\n{second.Output}\n{second.Error}");
        gated.Open();
        (await upload.WaitAsync(Soon)).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await first.WaitForExitAsync()).ShouldBe(0);

        await second.WaitUntilReadyAsync();
        (await second.Client.GetByteArrayAsync("/artifacts/last")).AsSpan().SequenceEqual(content).ShouldBeTrue();
    }

    [Fact]
    public async Task An_idle_node_stops_at_once_although_clients_keep_connections()
    {
        await using var node = await NodeProcess.StartAsync();
        (await node.Client.GetAsync("/health")).EnsureSuccessStatusCode();
        var began = TimeProvider.System.GetTimestamp();
        node.Terminate();
        (await node.WaitForExitAsync()).ShouldBe(0);
        TimeProvider.System.GetElapsedTime(began).ShouldBeLessThan(TimeSpan.FromSeconds(5));
    }

    /// <summary>What came of the upload is more than the node buffers: it has begun when there is a temporary file.</summary>
    private static Task UploadHasBegunAsync(NodeProcess node) => Eventually.TrueAsync(
        () => Directory.EnumerateFiles(Path.Combine(node.Folder, "store", "tmp"), "*", SearchOption.AllDirectories).Any(), Soon, "the node receives the upload");

    private static async Task<bool> IsRefusedAsync(Uri url)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, url.Port);
            return false;
        }
        // Reset, when the socket that listens was closed within the handshake.
        catch (SocketException error) when (error.SocketErrorCode is SocketError.ConnectionRefused or SocketError.ConnectionReset)
        {
            return true;
        }
    }
}
