using EdgeCache.Codecs;
using EdgeCache.Codecs.Choosing;

namespace EdgeCache.Storage.S3;

/// <summary>Where the objects are and how to get at them. A value is used as it is: whoever builds it has checked the ranges.</summary>
public sealed record S3StoreOptions
{
    /// <summary>Smallest part that servers take, but for the last one of an upload: 5 MiB.</summary>
    public const int MinPartSize = 5 * 1024 * 1024;

    /// <summary>Address of the server, such as <c>http://127.0.0.1:9000</c>; null for AWS, whose address follows from the region.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>Region that requests are signed for. Default: us-east-1, which most servers besides AWS take.</summary>
    public string Region { get; init; } = "us-east-1";

    /// <summary>The bucket. It must exist.</summary>
    public required string Bucket { get; init; }

    /// <summary>How the names of all objects begin, with its own <c>/</c> at the end where one is wanted. Default: empty.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>Whether the bucket is the first segment of the path, rather than the first label of the host name.</summary>
    public bool PathStyle { get; init; }

    /// <summary>Access key; null to take credentials from where the AWS tools find them (environment, profile, role of the machine).</summary>
    public string? AccessKey { get; init; }

    /// <summary>Secret of the access key. Never shown.</summary>
    public string? SecretKey { get; init; }

    /// <summary>Session token of temporary keys; null for none. Never shown.</summary>
    public string? SessionToken { get; init; }

    /// <summary>Profile of the AWS configuration files to take credentials from; null for the usual search. Not together with keys.</summary>
    public string? Profile { get; init; }

    /// <summary>Role to assume with these credentials; null for none.</summary>
    public string? RoleArn { get; init; }

    /// <summary>What the server encrypts objects with. Default: nothing is asked for.</summary>
    public S3Encryption Encryption { get; init; }

    /// <summary>Key of the key service for <see cref="S3Encryption.Kms"/>; null for the bucket's own.</summary>
    public string? KmsKeyId { get; init; }

    /// <summary>Storage class of new objects, such as <c>STANDARD_IA</c>; null for the server's default.</summary>
    public string? StorageClass { get; init; }

    /// <summary>Account that must own the bucket; the server refuses every request otherwise. Null for no check.</summary>
    public string? ExpectedBucketOwner { get; init; }

    /// <summary>PEM file with the certificates that may have issued the server's; null for those of the system.</summary>
    public string? CaFile { get; init; }

    /// <summary>Longest wait for a connection. Default: 5 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest wait for one call or for the next bytes of a body. The two calls in which a server works through a whole object get ten times as long. Default: 60 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Length of a part, in bytes, <see cref="MinPartSize"/> and more. Larger content is uploaded in up to 10,000 such parts, which also limits an object. Default: 8 MiB, so 78 GiB.</summary>
    public int PartSize { get; init; } = 8 * 1024 * 1024;

    /// <summary>
    /// Parts that all uploads together may hold in memory, 2 and more. An upload takes of that what it has got of its next part, beyond its first 128 KiB. Memory that was once used is kept for the
    /// next uploads. Default: 6, so 48 MiB.
    /// </summary>
    public int MaxPartBuffers { get; init; } = 6;

    /// <summary>What the server is known to keep; as a probe found it. Default: nothing, so that the store looks before it writes.</summary>
    public S3Capabilities Capabilities { get; init; } = S3Capabilities.Unknown;

    /// <summary>
    /// What is compressed of what is written, by namespace. Asked at every write, so that it may change. Default: nothing. What is there as zstd is decoded whatever this says.
    /// </summary>
    public Func<string, CompressionPolicy> Compression { get; init; } = static _ => CompressionPolicy.Off;

    /// <summary>The codec for objects that are zstd. Default: null, one of the store's own over libzstd.</summary>
    public ICodec? Zstd { get; init; }

    /// <summary>How busy the processors are. Default: null, as busy as this process keeps them.</summary>
    public ICpuPressure? CpuPressure { get; init; }

    /// <summary>The server as messages name it.</summary>
    internal string ServerName => Endpoint?.GetLeftPart(UriPartial.Authority) ?? $"AWS {Region}";
}

/// <summary>Encryption that the server is asked for.</summary>
public enum S3Encryption
{
    /// <summary>Whatever the bucket does by itself.</summary>
    None,

    /// <summary>SSE-S3: keys of the storage.</summary>
    Storage,

    /// <summary>SSE-KMS: keys of the key service.</summary>
    Kms,
}

/// <summary>
/// Conditions that a server checks together with the change, rightly. <c>If-None-Match: *</c> is always sent, but not relied on unless it is known to be kept; <c>If-Match</c> is
/// sent only then, because there are servers that refuse the right version too.
/// </summary>
/// <param name="CreateOnly"><c>If-None-Match: *</c> on a PUT refuses when an object is there.</param>
/// <param name="CreateOnlyInParts">The same when an upload in parts is completed.</param>
/// <param name="Replace"><c>If-Match</c> on a PUT refuses when another object is there, and only then.</param>
/// <param name="Delete"><c>If-Match</c> on a DELETE refuses when another object is there, and only then.</param>
public sealed record S3Capabilities(bool CreateOnly, bool CreateOnlyInParts, bool Replace, bool Delete)
{
    /// <summary>Of a server that nobody has asked.</summary>
    public static S3Capabilities Unknown { get; } = new(false, false, false, false);
}
