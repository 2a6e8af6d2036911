using System.Net;
using System.Security.Cryptography;

namespace EdgeCache.Bench.Far;

/// <summary>A GET of an artifact that is not here: through a node that must fetch it, against the same GET straight from the bucket.</summary>
internal sealed class MissComparison(Settings settings, Bucket bucket)
{
    private const int BufferLength = 64 * 1024;

    /// <summary>Misses of short artifacts before the first that is measured: the first few dozen requests of a process run code that is not optimised yet.</summary>
    private const int WarmUps = 100;
    private const int WarmUpLength = 512 * 1024;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    public async Task RunAsync(CancellationToken cancel)
    {
        var (warm, digests) = await FillAsync(cancel);
        await using var node = await bucket.StartNodeAsync(isTiered: true);
        using var straight = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = Limit };
        var roundTrips = new List<TimeSpan>();
        var contenders = new (string Name, HttpClient Client, Func<string, Task<Uri>> AddressOf, List<Read> Reads)[]
        {
            ("straight from the bucket", straight, bucket.AddressOfAsync, []),
            ("through the node, not there", node.Client, key => Task.FromResult(new Uri(node.Url, $"/artifacts/{key}")), []),
            ("from the node, there by then", node.Client, key => Task.FromResult(new Uri(node.Url, $"/artifacts/{key}")), []),
        };
        foreach (var (_, client, addressOf, _) in contenders)
        {
            for (var i = 0; i < WarmUps; i++)
                await ReadAsync(client, await addressOf($"warm{i}"), warm, cancel);
        }
        bucket.Network.RoundTrip = settings.RoundTrip;
        bucket.Network.BytesPerSecond = (long)settings.MiBPerSecond << 20;

        // The first has the connections and the compiler's work in it.
        for (var round = 0; round <= settings.Rounds; round++)
        {
            foreach (var (_, client, addressOf, reads) in contenders)
            {
                var read = await ReadAsync(client, await addressOf($"miss{round}"), digests[round], cancel);
                if (round > 0)
                    reads.Add(read);
            }
            if (round > 0)
                roundTrips.Add(await RoundTripAsync(straight, await bucket.AddressOfAsync($"miss{round}"), cancel));
        }
        bucket.Network.RoundTrip = TimeSpan.Zero;
        bucket.Network.BytesPerSecond = null;
        Console.WriteLine($"A missing artifact of {settings.MiB} MiB, {settings.RoundTrip.TotalMilliseconds:0} ms and {settings.MiBPerSecond} MiB/s to the bucket, medians of {settings.Rounds}:\n");
        Console.WriteLine("| GET | first byte ms | all ms | MiB/s |\n|---|---:|---:|---:|");
        Console.WriteLine($"| one byte, straight from the bucket: the round trip | {Figures.Median(roundTrips, r => r.TotalMilliseconds):0.0} | | |");
        foreach (var (name, _, _, reads) in contenders)
        {
            var (first, all) = (Figures.Median(reads, r => r.First.TotalMilliseconds), Figures.Median(reads, r => r.All.TotalMilliseconds));
            Console.WriteLine($"| {name} | {first:0.0} | {all:N0} | {settings.MiB * 1000 / all:0.0} |");
        }
    }

    /// <summary>Has another node write the artifacts: those to warm up, which are all alike, and one for each round. Their digests.</summary>
    private async Task<(byte[] Warm, List<byte[]> Rounds)> FillAsync(CancellationToken cancel)
    {
        var digests = new List<byte[]>();
        await using var writer = await bucket.StartNodeAsync(isTiered: true);
        var warm = RandomNumberGenerator.GetBytes(WarmUpLength);
        for (var i = 0; i < WarmUps; i++)
            await PutAsync(writer.Client, $"warm{i}", warm, cancel);
        for (var round = 0; round <= settings.Rounds; round++)
        {
            var bytes = RandomNumberGenerator.GetBytes(settings.MiB << 20);
            await PutAsync(writer.Client, $"miss{round}", bytes, cancel);
            digests.Add(SHA256.HashData(bytes));
        }
        return (SHA256.HashData(warm), digests);
    }

    private static async Task PutAsync(HttpClient client, string key, byte[] bytes, CancellationToken cancel)
    {
        using var content = new ByteArrayContent(bytes);
        using var answer = await client.PutAsync($"/artifacts/{key}", content, cancel);
        if (answer.StatusCode != HttpStatusCode.Created)
            throw new InvalidOperationException($"The artifact could not be put into the bucket: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(cancel)}");
    }

    /// <summary>The least that a request of the same object takes, the bucket's own time in it.</summary>
    private static async Task<TimeSpan> RoundTripAsync(HttpClient client, Uri address, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.Range = new(0, 0);
        var began = TimeProvider.System.GetTimestamp();
        using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseContentRead, cancel);
        return answer.StatusCode == HttpStatusCode.PartialContent
            ? TimeProvider.System.GetElapsedTime(began)
            : throw new InvalidOperationException($"One byte of {address.AbsolutePath} could not be read: {(int)answer.StatusCode}.");
    }

    private static async Task<Read> ReadAsync(HttpClient client, Uri address, byte[] digest, CancellationToken cancel)
    {
        var began = TimeProvider.System.GetTimestamp();
        using var answer = await client.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, cancel);
        await using var body = await answer.EnsureSuccessStatusCode().Content.ReadAsStreamAsync(cancel);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[BufferLength];
        var first = TimeSpan.Zero;
        while (await body.ReadAsync(buffer, cancel) is > 0 and var read)
        {
            if (first == TimeSpan.Zero)
                first = TimeProvider.System.GetElapsedTime(began);
            hash.AppendData(buffer, 0, read);
        }
        var all = TimeProvider.System.GetElapsedTime(began);
        return hash.GetHashAndReset().AsSpan().SequenceEqual(digest) ? new Read(first, all) : throw new InvalidOperationException($"{address} gave other bytes than were stored.");
    }

    /// <summary>How long it took from the request to the first byte of the body, and to the last.</summary>
    private readonly record struct Read(TimeSpan First, TimeSpan All);
}
