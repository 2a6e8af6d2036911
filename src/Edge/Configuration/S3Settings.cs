using System.Text;
using EdgeCache.Storage;
using EdgeCache.Storage.S3;

namespace EdgeCache.Edge.Configuration;

/// <summary>Checks what is configured about a bucket, and makes of it what the store takes.</summary>
internal static class S3Settings
{
    public const string Section = "EdgeCache:Storage:S3";

    private const int MaxSecretLength = 8 * 1024;

    /// <summary>The rules that hold whether or not the bucket is used.</summary>
    public static void Check(S3Options options, ConfigurationErrors errors)
    {
        if (options.Endpoint is { } text && !(Uri.TryCreate(text, UriKind.Absolute, out var endpoint) && endpoint.Scheme is "http" or "https" && endpoint is { AbsolutePath: "/", Query: "", UserInfo: "" }))
            errors.AddKey($"{Section}:Endpoint", "must be http:// or https://, a host and perhaps a port, and nothing else: the bucket has a setting of its own.");
        if (options.Prefix is { } prefix && BlobKey.TryCreate("prefix", "", prefix.EndsWith('/') ? prefix[..^1] : prefix, allowSlash: true, out _) is not null)
            errors.AddValue($"{Section}:Prefix", "must be made of A-Z a-z 0-9 - . _ ~ @ + = and single '/', not at the beginning.");
        OneOf("Addressing", options.Addressing, ["auto", "path", "host"], errors);
        OneOf("Encryption", options.Encryption, ["none", "s3", "kms"], errors);
        OneOf("Compression", options.Compression, ["identity", "zstd"], errors);
        if (options.KmsKeyId is not null && options.Encryption != "kms")
            errors.AddValue($"{Section}:KmsKeyId", $"goes with {Section}:Encryption = kms only.");
        NotBoth(options.AccessKey, options.AccessKeyFile, "AccessKey", errors);
        NotBoth(options.SecretKey, options.SecretKeyFile, "SecretKey", errors);
        NotBoth(options.SessionToken, options.SessionTokenFile, "SessionToken", errors);
        var hasKey = (options.AccessKey ?? options.AccessKeyFile) is not null;
        if (hasKey != ((options.SecretKey ?? options.SecretKeyFile) is not null))
            errors.AddKey($"{Section}:{(hasKey ? "SecretKey" : "AccessKey")}", "is missing: an access key and a secret key go together.");
        if ((options.SessionToken ?? options.SessionTokenFile) is not null && !hasKey)
            errors.AddKey($"{Section}:SessionToken", "belongs to an access key and a secret key, which are not set.");
        if (hasKey && options.Profile is not null)
            errors.AddValue($"{Section}:Profile", "can't go with an access key: both are credentials. Remove one of the two.");
    }

    /// <summary>Reads what is in files and builds the store's options; null when something is wrong, which is then among the errors.</summary>
    public static S3StoreOptions? Build(S3Options options, FileSnapshots files, List<string> errors)
    {
        if (options.Bucket is null)
            errors.Add($"{Section}:Bucket: is not set. Name the bucket (EdgeCache__Storage__S3__Bucket, a file, or --bucket).");
        if (options.CaFile is { } ca && !File.Exists(ca))
            errors.Add($"{Section}:CaFile: there is no file {ca}.");
        var accessKey = options.AccessKey ?? ReadSecret("AccessKeyFile", options.AccessKeyFile, files, errors);
        var secretKey = options.SecretKey ?? ReadSecret("SecretKeyFile", options.SecretKeyFile, files, errors);
        var sessionToken = options.SessionToken ?? ReadSecret("SessionTokenFile", options.SessionTokenFile, files, errors);
        if (errors.Count > 0)
            return null;
        var endpoint = options.Endpoint is { } text ? new Uri(text) : null;
        return new S3StoreOptions
        {
            Endpoint = endpoint,
            Region = options.Region,
            Bucket = options.Bucket!,
            Prefix = options.Prefix ?? "",
            PathStyle = options.Addressing switch
            {
                "path" => true,
                "host" => false,
                _ => endpoint is not null,
            },
            AccessKey = accessKey,
            SecretKey = secretKey,
            SessionToken = sessionToken,
            Profile = options.Profile,
            RoleArn = options.RoleArn,
            Encryption = options.Encryption switch
            {
                "s3" => S3Encryption.Storage,
                "kms" => S3Encryption.Kms,
                _ => S3Encryption.None,
            },
            KmsKeyId = options.KmsKeyId,
            StorageClass = options.StorageClass,
            ExpectedBucketOwner = options.ExpectedBucketOwner,
            CaFile = options.CaFile,
            ConnectTimeout = options.ConnectTimeout,
            Timeout = options.Timeout,
        };
    }

    private static string? ReadSecret(string name, string? path, FileSnapshots files, List<string> errors)
    {
        if (path is null)
            return null;
        var (content, fault) = files.Read(path);
        var text = content is null ? "" : Encoding.UTF8.GetString(content).Trim();
        if (content is null)
            errors.Add($"{Section}:{name}: {fault}");
        else if (text.Length is 0 or > MaxSecretLength || text.AsSpan().ContainsAnyExceptInRange('!', '~'))
            errors.Add($"{Section}:{name}: the file {path} must have the value alone in it, without white space.");
        return text;
    }

    private static void OneOf(string name, string value, string[] allowed, ConfigurationErrors errors)
    {
        if (!allowed.Contains(value, StringComparer.Ordinal))
            errors.AddValue($"{Section}:{name}", $"must be {string.Join(", ", allowed[..^1])} or {allowed[^1]}.");
    }

    private static void NotBoth(string? value, string? file, string name, ConfigurationErrors errors)
    {
        if (value is not null && file is not null)
            errors.AddKey($"{Section}:{name}", $"{Section}:{name}File is set too. Set one of the two.");
    }
}
