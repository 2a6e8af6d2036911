using System.Net;
using System.Security.Cryptography;
using EdgeCache.TestKit;

namespace EdgeCache.System.Tests;

/// <summary>Artifacts many times larger than the memory that the node may take, one of them past every 32-bit counter.</summary>
public sealed class LargeArtifactTests(ITestOutputHelper output)
{
    private const long GiB = 1L << 30;
    private const long MemoryLimit = 200L << 20;

    [Theory]
    [InlineData((4 * GiB) + 1, true)]
    [InlineData(GiB, false)]
    public async Task A_large_artifact_comes_back_as_it_went_and_the_node_stays_small(long length, bool chunked)
    {
        await using var node = await NodeProcess.StartAsync();
        if (new DriveInfo(node.Folder).AvailableFreeSpace < length + (2 * GiB))
            Tools.Missing($"The temporary folder has no room for {length} bytes and the reserve that the node keeps: set TMPDIR to another disk");
        using var client = node.NewClient();
        client.Timeout = Timeout.InfiniteTimeSpan;
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(10));

        var began = TimeProvider.System.GetTimestamp();
        await using var source = new ContentStream(length);
        using var content = new StreamContent(source, 1 << 18);
        content.Headers.ContentLength = chunked ? null : length;
        using var put = new HttpRequestMessage(HttpMethod.Put, "/artifacts/large") { Content = content };
        put.Headers.TransferEncodingChunked = chunked;
        using var stored = await client.SendAsync(put, limit.Token);
        stored.StatusCode.ShouldBe(HttpStatusCode.Created);
        var sent = source.TakeDigest();
        stored.Headers.ETag!.Tag.ShouldBe($"\"{sent}\"");
        var up = TimeProvider.System.GetElapsedTime(began);

        began = TimeProvider.System.GetTimestamp();
        using var answer = await client.GetAsync("/artifacts/large", HttpCompletionOption.ResponseHeadersRead, limit.Token);
        answer.Content.Headers.ContentLength.ShouldBe(length);
        await using var body = await answer.Content.ReadAsStreamAsync(limit.Token);
        Convert.ToHexStringLower(await SHA256.HashDataAsync(body, limit.Token)).ShouldBe(sent);
        var down = TimeProvider.System.GetElapsedTime(began);

        var memory = node.ReadPeakMemory();
        output.WriteLine($"{length} bytes: up {up.TotalSeconds:0.0} s, down {down.TotalSeconds:0.0} s, peak memory {memory >> 20} MiB");
        memory.ShouldBeLessThan(MemoryLimit);
    }
}
