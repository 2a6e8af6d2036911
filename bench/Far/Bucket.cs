using Amazon.S3;
using Amazon.S3.Model;
using EdgeCache.TestKit;

namespace EdgeCache.Bench.Far;

/// <summary>A bucket of a real server behind a network of this process's own making, and nodes in front of it.</summary>
internal sealed class Bucket : IAsyncDisposable
{
    private readonly S3Fixture _fixture = new();
    private S3Server _server = null!;
    private AmazonS3Client _client = null!;

    /// <summary>The network; straight through until it is told otherwise.</summary>
    public S3Proxy Network { get; private set; } = null!;

    public static async Task<Bucket> CreateAsync()
    {
        var bucket = new Bucket();
        try
        {
            bucket._server = await bucket._fixture.RequireAsync();
            bucket.Network = new S3Proxy(bucket._server.Endpoint);
            bucket._client = await bucket._fixture.NewClientAsync(bucket.Network.Endpoint);
            return bucket;
        }
        catch
        {
            await bucket.DisposeAsync();
            throw;
        }
    }

    /// <summary>A node of an empty folder, in front of the bucket or with nothing behind it.</summary>
    public Task<NodeProcess> StartNodeAsync(bool isTiered)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["Logging__LogLevel__Default"] = "Warning" };
        if (isTiered)
        {
            environment["EdgeCache__Storage__S3__Endpoint"] = Network.Endpoint.GetLeftPart(UriPartial.Authority);
            environment["EdgeCache__Storage__S3__Region"] = _server.Region;
            environment["EdgeCache__Storage__S3__Bucket"] = _fixture.Bucket;
            environment["EdgeCache__Storage__S3__AccessKey"] = _server.AccessKey;
            environment["EdgeCache__Storage__S3__SecretKey"] = _server.SecretKey;
        }
        return NodeProcess.StartAsync(new NodeSetup { Environment = environment });
    }

    /// <summary>An address from which anybody may GET an artifact's object, over the network.</summary>
    public async Task<Uri> AddressOfAsync(string key) => new(await _client.GetPreSignedURLAsync(new GetPreSignedUrlRequest
    {
        BucketName = _fixture.Bucket,
        Key = $"artifacts/{key}",
        Verb = HttpVerb.GET,
        Protocol = Protocol.HTTP,
        Expires = (TimeProvider.System.GetUtcNow() + TimeSpan.FromHours(1)).UtcDateTime,
    }));

    public async ValueTask DisposeAsync()
    {
        _client?.Dispose();
        if (Network is not null)
            await Network.DisposeAsync();
        await _fixture.DisposeAsync();
    }
}
