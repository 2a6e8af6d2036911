using System.Security.Cryptography;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace EdgeCache.TestKit;

/// <summary>
/// A real S3 server with an empty bucket, for all tests that share the fixture: the one that the environment names, else MinIO in Docker, else Ceph's gateway.
/// Found or started when the first test asks; without any, that test is skipped (or fails, where tools are required) and says how to get one.
/// </summary>
public sealed class S3Fixture : IAsyncLifetime
{
    private readonly Lazy<Task<S3Server?>> _server;
    private readonly string _bucket = $"edgecache-test-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}";

    public S3Fixture() => _server = new Lazy<Task<S3Server?>>(CreateAsync);

    /// <summary>The bucket; it exists once <see cref="RequireAsync"/> has returned.</summary>
    public string Bucket => _bucket;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <summary>The server.</summary>
    public async Task<S3Server> RequireAsync()
    {
        if (await _server.Value is { } server)
            return server;
        Tools.Missing(
            $"There is no S3 server for tests: apt-get install --no-install-recommends {CephGateway.Packages}; or docker pull {MinioContainer.Image}; or set {GivenS3Server.EndpointVariable} (and …_ACCESS_KEY, …_SECRET_KEY).");
        throw new InvalidOperationException("not reached");
    }

    /// <summary>The vendor's client, for what the store under test does not do or must not know of.</summary>
    /// <param name="endpoint">Another way to the server, such as a proxy's; null for the direct one.</param>
    public async Task<AmazonS3Client> NewClientAsync(Uri? endpoint = null) => NewClient(await RequireAsync(), endpoint);

    public async ValueTask DisposeAsync()
    {
        if (!_server.IsValueCreated || await _server.Value is not { } server)
            return;
        if (!server.IsOwn)
            await RemoveBucketAsync(server);
        await server.DisposeAsync();
    }

    private static async Task<S3Server?> FindAsync()
    {
        if (Environment.GetEnvironmentVariable(GivenS3Server.EndpointVariable) is { Length: > 0 })
            return new GivenS3Server();
        if (await MinioContainer.IsAvailableAsync())
            return await MinioContainer.CreateAsync();
        return CephGateway.IsInstalled ? await CephGateway.CreateAsync() : null;
    }

    private async Task<S3Server?> CreateAsync()
    {
        if (await FindAsync() is not { } server)
            return null;
        try
        {
            using var client = NewClient(server);
            await client.PutBucketAsync(new PutBucketRequest { BucketName = _bucket });
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    private async Task RemoveBucketAsync(S3Server server)
    {
        using var client = NewClient(server);
        var paginator = client.Paginators.ListObjectsV2(new ListObjectsV2Request { BucketName = _bucket });
        await foreach (var item in paginator.S3Objects)
            await client.DeleteObjectAsync(_bucket, item.Key);
        await client.DeleteBucketAsync(_bucket);
    }

    private static AmazonS3Client NewClient(S3Server server, Uri? endpoint = null) => new(
        new BasicAWSCredentials(server.AccessKey, server.SecretKey),
        new AmazonS3Config
        {
            ServiceURL = (endpoint ?? server.Endpoint).AbsoluteUri,
            ForcePathStyle = true,
            AuthenticationRegion = server.Region,
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        });
}
