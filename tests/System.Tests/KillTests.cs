using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using EdgeCache.TestKit;

namespace EdgeCache.System.Tests;

/// <summary>The process is killed in the middle of many writes, again and again. What it acknowledged is there, and what is served is whole.</summary>
public sealed class KillTests
{
    private const int Rounds = 20;
    private const int Writers = 8;
    private const int MaxLength = 3 << 20;
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);
    private static readonly NodeSetup Setup = new() { Environment = Variables.Of(("EdgeCache__Namespaces__live__Replaceable", "true")) };

    [Fact]
    public async Task Acknowledged_artifacts_outlive_a_kill_and_nothing_torn_is_served()
    {
        using var store = new TestFolder();
        var seed = RandomNumberGenerator.GetInt32(int.MaxValue);
        var random = new Random(seed);
        var written = new Dictionary<string, Attempt>(StringComparer.Ordinal);
        var node = await NodeProcess.StartAsync(Setup with { Storage = store.Path });
        try
        {
            for (var round = 0; round < Rounds; round++)
            {
                var killAfter = random.Next(1, 100);
                var attempts = await WriteUntilKilledAsync(node, killAfter, (writer, number) => $"/artifacts/r{round}-w{writer}-{number}", random.Next());
                await node.DisposeAsync();
                node = await NodeProcess.StartAsync(Setup with { Storage = store.Path });

                foreach (var attempt in attempts)
                    written.Add(attempt.Path, attempt);
                var because = $"seed {seed}, round {round}, killed after {killAfter}";
                var present = 0;
                foreach (var attempt in round == Rounds - 1 ? [.. written.Values] : attempts)
                {
                    if (await ReadAsync(node, attempt.Path, because) is { } digest)
                    {
                        digest.ShouldBe(attempt.Digest(), $"{because}: {attempt.Path}");
                        written[attempt.Path] = attempt with { Acknowledged = true };
                        present++;
                    }
                    else
                    {
                        attempt.Acknowledged.ShouldBeFalse($"{because}: {attempt.Path} was acknowledged and is lost");
                    }
                }
                (await CountBlobsAsync(node)).ShouldBe(written.Values.Count(a => a.Acknowledged), because);
            }
        }
        finally
        {
            await node.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_replaced_value_is_the_last_acknowledged_or_a_later_one_after_a_kill()
    {
        using var store = new TestFolder();
        var seed = RandomNumberGenerator.GetInt32(int.MaxValue);
        var random = new Random(seed);
        var floor = new Dictionary<string, Attempt>(StringComparer.Ordinal);
        var node = await NodeProcess.StartAsync(Setup with { Storage = store.Path });
        try
        {
            for (var round = 0; round < Rounds; round++)
            {
                var killAfter = random.Next(1, 100);
                var attempts = await WriteUntilKilledAsync(node, killAfter, (writer, _) => $"/cache/live/value{writer}", random.Next());
                await node.DisposeAsync();
                node = await NodeProcess.StartAsync(Setup with { Storage = store.Path });

                foreach (var history in attempts.GroupBy(a => a.Path, StringComparer.Ordinal))
                {
                    var because = $"seed {seed}, round {round}, killed after {killAfter}: {history.Key}";
                    var last = history.LastOrDefault(a => a.Acknowledged) ?? floor.GetValueOrDefault(history.Key);
                    var digest = await ReadAsync(node, history.Key, because);
                    if (digest is null)
                    {
                        last.ShouldBeNull($"{because} was acknowledged and is lost");
                        continue;
                    }
                    var allowed = history.SkipWhile(a => last is not null && history.Contains(last) && a != last).ToList();
                    if (last is not null && !allowed.Contains(last))
                        allowed.Add(last);
                    floor[history.Key] = allowed.Find(a => a.Digest() == digest) ?? throw new InvalidOperationException($"{because} is older than what was acknowledged, or mixed.");
                }
            }
            floor.Count.ShouldBe(Writers);
        }
        finally
        {
            await node.DisposeAsync();
        }
    }

    /// <summary>Several writers, each with one PUT at a time, until so many are acknowledged; then the kill, with the other PUTs somewhere in between.</summary>
    private static async Task<List<Attempt>> WriteUntilKilledAsync(NodeProcess node, int killAfter, Func<int, int, string> path, int seed)
    {
        using var client = node.NewClient();
        var acknowledged = 0;
        var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var writers = Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            var random = new Random(unchecked(seed + writer));
            var attempts = new List<Attempt>();
            for (var number = 0; ; number++)
            {
                // As many of each order of magnitude.
                var attempt = new Attempt(path(writer, number), (int)Math.Pow(MaxLength, random.NextDouble()), random.Next());
                using var content = new ByteArrayContent(attempt.Content());
                try
                {
                    using var answer = await client.PutAsync(attempt.Path, content);
                    answer.StatusCode.ShouldBeOneOf(HttpStatusCode.Created, HttpStatusCode.OK);
                    attempts.Add(attempt with { Acknowledged = true });
                    if (Interlocked.Increment(ref acknowledged) == killAfter)
                        enough.SetResult();
                }
                catch (HttpRequestException)
                {
                    attempts.Add(attempt);
                    return attempts;
                }
            }
        })).ToArray();
        await Task.WhenAny([enough.Task, .. writers]).WaitAsync(Soon);
        enough.Task.IsCompletedSuccessfully.ShouldBeTrue("a PUT failed before the kill");
        node.Kill();
        return [.. (await Task.WhenAll(writers).WaitAsync(Soon)).SelectMany(a => a)];
    }

    /// <summary>The digest of what is served, which must be what its validator says; null when nothing is stored.</summary>
    private static async Task<string?> ReadAsync(NodeProcess node, string path, string because)
    {
        using var answer = await node.Client.GetAsync(path);
        if (answer.StatusCode == HttpStatusCode.NotFound)
            return null;
        answer.StatusCode.ShouldBe(HttpStatusCode.OK, because);
        var digest = Convert.ToHexStringLower(SHA256.HashData(await answer.Content.ReadAsByteArrayAsync()));
        answer.Headers.ETag!.Tag.ShouldBe($"\"{digest}\"", $"{because}: {path}");
        return digest;
    }

    private static async Task<int> CountBlobsAsync(NodeProcess node)
    {
        using var health = JsonDocument.Parse(await node.Client.GetStringAsync("/health"));
        return health.RootElement.GetProperty("storage").GetProperty("blobs").GetInt32();
    }

    private sealed record Attempt(string Path, int Length, int Seed, bool Acknowledged = false)
    {
        public byte[] Content() => Blobs.Bytes(Length, Seed);

        public string Digest() => Convert.ToHexStringLower(SHA256.HashData(Content()));
    }
}
