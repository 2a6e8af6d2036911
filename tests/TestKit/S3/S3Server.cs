namespace EdgeCache.TestKit;

/// <summary>A real S3 server for tests. Found or started by <see cref="S3Fixture"/>.</summary>
public abstract class S3Server : IAsyncDisposable
{
    /// <summary>Where it listens.</summary>
    public abstract Uri Endpoint { get; }

    public abstract string AccessKey { get; }

    public abstract string SecretKey { get; }

    public abstract string Region { get; }

    /// <summary>Whether it is the tests' own, to be stopped and started.</summary>
    public virtual bool IsOwn => true;

    /// <summary>Makes the server go away; its data stays.</summary>
    public abstract Task StopAsync();

    /// <summary>Brings it back at the same address.</summary>
    public abstract Task StartAsync();

    public abstract ValueTask DisposeAsync();

    /// <summary>Waits until it answers anything at all.</summary>
    protected async Task WaitUntilAnsweringAsync(TimeSpan limit, Func<string> report)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(5) };
        await Eventually.TrueAsync(
            async () =>
            {
                try
                {
                    using var answer = await client.GetAsync(Endpoint);
                    return true;
                }
                catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
                {
                    return false;
                }
            },
            limit,
            $"an answer of {Endpoint}\n{report()}");
    }
}

/// <summary>A server that somebody runs, given by environment variables. It is never stopped.</summary>
internal sealed class GivenS3Server : S3Server
{
    public const string EndpointVariable = "EDGECACHE_TEST_S3_ENDPOINT";
    private const string AccessKeyVariable = "EDGECACHE_TEST_S3_ACCESS_KEY";
    private const string SecretKeyVariable = "EDGECACHE_TEST_S3_SECRET_KEY";
    private const string RegionVariable = "EDGECACHE_TEST_S3_REGION";

    public override Uri Endpoint { get; } = new(Read(EndpointVariable));

    public override string AccessKey { get; } = Read(AccessKeyVariable);

    public override string SecretKey { get; } = Read(SecretKeyVariable);

    public override string Region { get; } = Environment.GetEnvironmentVariable(RegionVariable) ?? "us-east-1";

    public override bool IsOwn => false;

    public override Task StopAsync() => throw new InvalidOperationException("The server is not the tests' own.");

    public override Task StartAsync() => Task.CompletedTask;

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static string Read(string name) =>
        Environment.GetEnvironmentVariable(name) ?? throw new InvalidOperationException($"{EndpointVariable} is set, so {name} must be too.");
}
