namespace EdgeCache.Edge.Configuration;

/// <summary>A bucket on an S3 server: where it is, with which credentials, how it is used.</summary>
internal sealed class S3Options
{
    /// <summary>Address of the server, such as <c>http://127.0.0.1:9000</c>. Default: none, which means AWS in the region. Needs a restart.</summary>
    [Setting(NeedsRestart = true)]
    public string? Endpoint { get; set; }

    /// <summary>Region that requests are signed for. Default: us-east-1. Needs a restart.</summary>
    [Setting(NeedsRestart = true)]
    public string Region { get; set; } = "us-east-1";

    /// <summary>The bucket, which must exist. Default: none. Needs a restart.</summary>
    [Setting(NeedsRestart = true)]
    public string? Bucket { get; set; }

    /// <summary>How all object names begin, with its own <c>/</c> at the end. Default: nothing. Needs a restart.</summary>
    [Setting(NeedsRestart = true)]
    public string? Prefix { get; set; }

    /// <summary>Where the bucket's name goes: <c>path</c>, <c>host</c>, or <c>auto</c> (path with an endpoint, host on AWS). Default: auto. Needs a restart.</summary>
    [Setting(NeedsRestart = true)]
    public string Addressing { get; set; } = "auto";

    /// <summary>The access key. Default: none, which looks where the AWS tools look. Needs a restart.</summary>
    [Setting(NeedsRestart = true)]
    public string? AccessKey { get; set; }

    /// <summary>A file with the access key in it. Default: none. Needs a restart.</summary>
    [Setting(NeedsRestart = true, IsPath = true)]
    public string? AccessKeyFile { get; set; }

    /// <summary>The secret key. Default: none. Secret. Needs a restart.</summary>
    [Setting(NeedsRestart = true, Secret = true)]
    public string? SecretKey { get; set; }

    /// <summary>A file with the secret key in it. Default: none. Needs a restart.</summary>
    [Setting(NeedsRestart = true, IsPath = true)]
    public string? SecretKeyFile { get; set; }

    /// <summary>The session token of temporary keys. Default: none. Secret. Needs a restart.</summary>
    [Setting(NeedsRestart = true, Secret = true)]
    public string? SessionToken { get; set; }

    /// <summary>A file with the session token in it. Default: none. Needs a restart.</summary>
    [Setting(NeedsRestart = true, IsPath = true)]
    public string? SessionTokenFile { get; set; }

    /// <summary>A profile of the AWS configuration files with credentials. Default: none. Needs a restart.</summary>
    [Setting(NeedsRestart = true)]
    public string? Profile { get; set; }

    /// <summary>A role to assume with the credentials, by its ARN. Default: none. Needs a restart.</summary>
    [Setting(NeedsRestart = true)]
    public string? RoleArn { get; set; }

    /// <summary>What the server is asked to encrypt with: <c>none</c>, <c>s3</c>, <c>kms</c>. Default: none. Needs a restart.</summary>
    [Setting(NeedsRestart = true)]
    public string Encryption { get; set; } = "none";

    /// <summary>The key of the key service for <c>kms</c>. Default: the bucket's. Needs a restart.</summary>
    [Setting(NeedsRestart = true)]
    public string? KmsKeyId { get; set; }

    /// <summary>Storage class of new objects. Default: the server's. Needs a restart.</summary>
    [Setting(NeedsRestart = true)]
    public string? StorageClass { get; set; }

    /// <summary>How what shrinks is stored in the bucket: <c>identity</c>, as it is, or <c>zstd</c>, with <c>Content-Encoding: zstd</c>. Both are read, whatever this says. Default: identity. Needs a restart.</summary>
    [Setting(NeedsRestart = true)]
    public string Compression { get; set; } = "identity";

    /// <summary>Account number that must own the bucket. Default: none. Needs a restart.</summary>
    [Setting(NeedsRestart = true)]
    public string? ExpectedBucketOwner { get; set; }

    /// <summary>PEM file with the certificates that may have issued the server's. Default: those of the system. Needs a restart.</summary>
    [Setting(NeedsRestart = true, IsPath = true)]
    public string? CaFile { get; set; }

    /// <summary>Longest wait for a connection, 100 ms to 1 min. Default: 5 s. Needs a restart.</summary>
    [Setting(Min = "100ms", Max = "1m", NeedsRestart = true)]
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest wait for a call, or for the next bytes of a body, 1 s to 10 min. Default: 60 s. Needs a restart.</summary>
    [Setting(Min = "1s", Max = "10m", NeedsRestart = true)]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(60);
}
