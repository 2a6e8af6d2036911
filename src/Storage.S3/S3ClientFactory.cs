using System.Net;
using System.Security.Cryptography.X509Certificates;
using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;
using Amazon.Runtime.Credentials;
using Amazon.Runtime.Internal;
using Amazon.S3;
using Amazon.S3.Internal;

namespace EdgeCache.Storage.S3;

/// <summary>Builds the vendor's client with the settings that every server we know of takes, over connections of ours.</summary>
internal static class S3ClientFactory
{
    private const int MaxRetries = 2;

    /// <summary>For the clients that the vendor's credentials make, such as for a role.</summary>
    static S3ClientFactory() => AWSConfigs.HttpClientFactory = new CredentialConnections();

    /// <summary>A client for a bucket's server.</summary>
    /// <exception cref="IOException">The CA file or the profile can't be used; the message says why.</exception>
    public static AmazonS3Client Create(S3StoreOptions options, ConnectionFactory connections)
    {
        var config = new AmazonS3Config
        {
            ForcePathStyle = options.PathStyle,
            AuthenticationRegion = options.Region,

            // Checksums in trailers are new: Ceph refuses them and others store their framing as content. We check content ourselves.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
            RetryMode = RequestRetryMode.Standard,
            MaxErrorRetry = MaxRetries,
            HttpClientFactory = connections,
            IgnoreConfiguredEndpointUrls = true,
        };
        if (options.Endpoint is { } endpoint)
            config.ServiceURL = endpoint.AbsoluteUri;
        else
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(options.Region);

        // Without any, the client looks where the AWS tools look (environment, web identity, files, container, machine) at its first call, and again when they expire.
        return Credentials(options) is { } credentials ? new PlainClient(credentials, config) : new PlainClient(config);
    }

    private static AWSCredentials? Credentials(S3StoreOptions options)
    {
        AWSCredentials? own = (options.AccessKey, options.SessionToken, options.Profile) switch
        {
            ({ } key, { } token, _) => new SessionAWSCredentials(key, options.SecretKey, token),
            ({ } key, null, _) => new BasicAWSCredentials(key, options.SecretKey),
            (null, _, { } profile) => FromProfile(profile),
            _ => null,
        };
        return options.RoleArn is { } role ? new AssumeRoleAWSCredentials(own ?? Found(), role, "edgecache") : own;
    }

    private static AWSCredentials Found()
    {
        try
        {
            return DefaultAWSCredentialsIdentityResolver.GetCredentials();
        }
        catch (AmazonClientException error)
        {
            throw new IOException("There are no credentials for S3: no keys are configured, and none are found where the AWS tools look (environment, profile, role of the machine).", error);
        }
    }

    private static AWSCredentials FromProfile(string profile) => new CredentialProfileStoreChain().TryGetAWSCredentials(profile, out var credentials)
        ? credentials
        : throw new IOException($"There is no profile '{profile}' with credentials in the AWS configuration files.");
}

/// <summary>
/// The vendor's client without its check of what it reads: it takes every ETag without a '-' for an MD5, and fails where a server has others. Content is checked by whoever reads it.
/// </summary>
internal sealed class PlainClient : AmazonS3Client
{
    public PlainClient(AWSCredentials credentials, AmazonS3Config config)
        : base(credentials, config)
    {
    }

    public PlainClient(AmazonS3Config config)
        : base(config)
    {
    }

    protected override void CustomizeRuntimePipeline(RuntimePipeline pipeline)
    {
        base.CustomizeRuntimePipeline(pipeline);
        pipeline.RemoveHandler<AmazonS3ResponseHandler>();
    }
}

/// <summary>Gives the vendor's other clients connections that end their waits in the thread pool too.</summary>
internal sealed class CredentialConnections : Amazon.Runtime.HttpClientFactory
{
    public override HttpClient CreateHttpClient(IClientConfig clientConfig) =>
        new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ConnectCallback = OutboundConnection.ConnectAsync });
}

/// <summary>Gives the vendor's client connections of ours.</summary>
internal sealed class ConnectionFactory : Amazon.Runtime.HttpClientFactory, IDisposable
{
    /// <summary>Each read and each part of an upload that is under way has one; the tiers bound how many there are.</summary>
    private const int MaxConnections = 1024;
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5); // Names of a service move between addresses.
    private static readonly TimeSpan IdleTime = TimeSpan.FromSeconds(20);

    private readonly HttpClient _client;

    /// <summary>Connections to one server.</summary>
    /// <exception cref="IOException">The CA file can't be used.</exception>
    public ConnectionFactory(S3StoreOptions options, ServerClock clock)
    {
        var sockets = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = options.ConnectTimeout,
            MaxConnectionsPerServer = MaxConnections,
            PooledConnectionLifetime = Lifetime,
            PooledConnectionIdleTimeout = IdleTime,
            UseCookies = false,
            ConnectCallback = OutboundConnection.ConnectAsync,
        };
        if (options.CaFile is { } file)
            sockets.SslOptions.CertificateChainPolicy = Trust(file);
        _client = new HttpClient(new PlainHandler(clock) { InnerHandler = sockets }) { Timeout = Timeout.InfiniteTimeSpan };
    }

    public override HttpClient CreateHttpClient(IClientConfig clientConfig) => _client;

    public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;

    public override bool DisposeHttpClientsAfterUse(IClientConfig clientConfig) => false;

    public void Dispose() => _client.Dispose();

    private static X509ChainPolicy Trust(string file)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        try
        {
            policy.CustomTrustStore.ImportFromPemFile(file);
        }
        catch (Exception error) when (error is System.Security.Cryptography.CryptographicException or UnauthorizedAccessException)
        {
            throw new IOException($"{file} can't be used as a file of certificates: {error.Message}", error);
        }
        return policy.CustomTrustStore.Count > 0 ? policy : throw new IOException($"{file} has no certificate (PEM) in it.");
    }

    /// <summary>
    /// Takes "Expect: 100-continue" away. A server that refuses early without reading the body may take a short body, which .NET sends all the same, for the next
    /// request on the connection.
    /// </summary>
    private sealed class PlainHandler(ServerClock clock) : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.Headers.ExpectContinue = false;
            var response = await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
            clock.Note(response.Headers.Date);
            return response;
        }
    }
}

/// <summary>How far the server's clock is from ours, by the date of its answers: signatures are good for 15 minutes either way.</summary>
internal sealed class ServerClock(TimeProvider time)
{
    private long _skewTicks = long.MinValue;

    /// <summary>Server minus ours, to about a second; null before the first answer.</summary>
    public TimeSpan? Skew => Volatile.Read(ref _skewTicks) is not long.MinValue and var ticks ? TimeSpan.FromTicks(ticks) : null;

    public void Note(DateTimeOffset? date)
    {
        if (date is { } server)
            Volatile.Write(ref _skewTicks, (server - time.GetUtcNow()).Ticks);
    }
}
