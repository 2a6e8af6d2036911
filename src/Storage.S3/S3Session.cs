using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace EdgeCache.Storage.S3;

/// <summary>
/// The calls that store and probe make, each with a time-out and with what every request of this bucket has in common. They throw what <see cref="S3Faults"/> explains.
/// </summary>
internal sealed class S3Session : IDisposable
{
    /// <summary>How much longer a call may take in which the server works through a whole object.</summary>
    private const int LongCallFactor = 10;

    private readonly ConnectionFactory _connections;
    private readonly AmazonS3Client _client;
    private readonly TimeProvider _time;

    /// <summary>Calls to one bucket; none is made yet.</summary>
    /// <exception cref="IOException">Credentials or the CA file can't be used.</exception>
    public S3Session(S3StoreOptions options, TimeProvider time)
    {
        Options = options;
        _time = time;
        Clock = new ServerClock(time);
        _connections = new ConnectionFactory(options, Clock);
        try
        {
            _client = S3ClientFactory.Create(options, _connections);
        }
        catch
        {
            _connections.Dispose();
            throw;
        }
    }

    public S3StoreOptions Options { get; }

    public ServerClock Clock { get; }

    public Task<GetObjectMetadataResponse> HeadAsync(string name, CancellationToken cancellationToken) =>
        CallAsync(t => _client.GetObjectMetadataAsync(new GetObjectMetadataRequest { BucketName = Options.Bucket, Key = name, ExpectedBucketOwner = Options.ExpectedBucketOwner }, t), cancellationToken);

    /// <summary>Tells whether the bucket is there; throws when it is not, or can't be told.</summary>
    public Task HeadBucketAsync(CancellationToken cancellationToken) =>
        CallAsync(t => _client.HeadBucketAsync(new HeadBucketRequest { BucketName = Options.Bucket, ExpectedBucketOwner = Options.ExpectedBucketOwner }, t), cancellationToken);

    /// <summary>Ends with the head of the answer; its body has no time-out but the one of the read.</summary>
    /// <param name="name">The object.</param>
    /// <param name="range">The part; null for all of it.</param>
    /// <param name="etag">The version that it must be; null for any.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<GetObjectResponse> GetAsync(string name, (long First, long Last)? range, string? etag, CancellationToken cancellationToken)
    {
        var request = new GetObjectRequest { BucketName = Options.Bucket, Key = name, EtagToMatch = etag, ExpectedBucketOwner = Options.ExpectedBucketOwner };
        if (range is var (first, last))
            request.ByteRange = last == long.MaxValue ? new Amazon.S3.Model.ByteRange($"bytes={first}-") : new Amazon.S3.Model.ByteRange(first, last);
        return CallAsync(t => _client.GetObjectAsync(request, t), cancellationToken);
    }

    public Task<PutObjectResponse> PutAsync(string name, Stream content, BlobMetadata blob, Precondition condition, CancellationToken cancellationToken)
    {
        var request = new PutObjectRequest
        {
            BucketName = Options.Bucket,
            Key = name,
            InputStream = content,
            AutoCloseStream = false,
            UseChunkEncoding = false,
            ContentType = ObjectMetadata.PlainType(blob.ContentType),
            IfNoneMatch = condition.IsAbsent ? "*" : null,
            IfMatch = condition.ETag,
            StorageClass = Options.StorageClass,
            ExpectedBucketOwner = Options.ExpectedBucketOwner,
            ServerSideEncryptionMethod = Encryption,
            ServerSideEncryptionKeyManagementServiceKeyId = Options.KmsKeyId,
        };
        AddFields(request.Metadata, request.Headers, blob);
        return CallAsync(t => _client.PutObjectAsync(request, t), cancellationToken);
    }

    public async Task<string> BeginPartsAsync(string name, BlobMetadata blob, CancellationToken cancellationToken)
    {
        var request = new InitiateMultipartUploadRequest
        {
            BucketName = Options.Bucket,
            Key = name,
            ContentType = ObjectMetadata.PlainType(blob.ContentType),
            StorageClass = Options.StorageClass,
            ExpectedBucketOwner = Options.ExpectedBucketOwner,
            ServerSideEncryptionMethod = Encryption,
            ServerSideEncryptionKeyManagementServiceKeyId = Options.KmsKeyId,
        };
        AddFields(request.Metadata, request.Headers, blob);
        return (await CallAsync(t => _client.InitiateMultipartUploadAsync(request, t), cancellationToken).ConfigureAwait(false)).UploadId;
    }

    public async Task<PartETag> PutPartAsync(string name, string upload, int number, Stream content, CancellationToken cancellationToken)
    {
        var request = new UploadPartRequest
        {
            BucketName = Options.Bucket,
            Key = name,
            UploadId = upload,
            PartNumber = number,
            PartSize = content.Length,
            InputStream = content,
            UseChunkEncoding = false,
            ExpectedBucketOwner = Options.ExpectedBucketOwner,
        };
        var response = await CallAsync(t => _client.UploadPartAsync(request, t), cancellationToken).ConfigureAwait(false);
        return new PartETag(number, response.ETag);
    }

    public Task<CompleteMultipartUploadResponse> CompletePartsAsync(string name, string upload, IEnumerable<PartETag> parts, Precondition condition, CancellationToken cancellationToken)
    {
        var request = new CompleteMultipartUploadRequest
        {
            BucketName = Options.Bucket,
            Key = name,
            UploadId = upload,
            PartETags = [.. parts.OrderBy(p => p.PartNumber)],
            IfNoneMatch = condition.IsAbsent ? "*" : null,
            IfMatch = condition.ETag,
            ExpectedBucketOwner = Options.ExpectedBucketOwner,
        };
        return CallAsync(t => _client.CompleteMultipartUploadAsync(request, t), cancellationToken, LongCallFactor);
    }

    public Task AbortPartsAsync(string name, string upload, CancellationToken cancellationToken) => CallAsync(
        t => _client.AbortMultipartUploadAsync(new AbortMultipartUploadRequest { BucketName = Options.Bucket, Key = name, UploadId = upload, ExpectedBucketOwner = Options.ExpectedBucketOwner }, t),
        cancellationToken);

    /// <summary>Gives an object other metadata, by a copy onto itself on the server.</summary>
    public Task<CopyObjectResponse> ReplaceMetadataAsync(string name, string etag, BlobMetadata blob, CancellationToken cancellationToken)
    {
        var request = new CopyObjectRequest
        {
            SourceBucket = Options.Bucket,
            SourceKey = name,
            DestinationBucket = Options.Bucket,
            DestinationKey = name,
            ETagToMatch = etag,
            MetadataDirective = S3MetadataDirective.REPLACE,
            ContentType = ObjectMetadata.PlainType(blob.ContentType),
            StorageClass = Options.StorageClass,
            ExpectedBucketOwner = Options.ExpectedBucketOwner,
            ExpectedSourceBucketOwner = Options.ExpectedBucketOwner,
            ServerSideEncryptionMethod = Encryption,
            ServerSideEncryptionKeyManagementServiceKeyId = Options.KmsKeyId,
        };
        AddFields(request.Metadata, request.Headers, blob);
        return CallAsync(t => _client.CopyObjectAsync(request, t), cancellationToken, LongCallFactor);
    }

    public Task DeleteAsync(string name, string? etag, CancellationToken cancellationToken) =>
        CallAsync(t => _client.DeleteObjectAsync(new DeleteObjectRequest { BucketName = Options.Bucket, Key = name, IfMatch = etag, ExpectedBucketOwner = Options.ExpectedBucketOwner }, t), cancellationToken);

    /// <summary>Deletes up to 1,000 objects in one call.</summary>
    public Task DeleteManyAsync(IEnumerable<string> names, CancellationToken cancellationToken)
    {
        var request = new DeleteObjectsRequest { BucketName = Options.Bucket, Quiet = true, Objects = [.. names.Select(n => new KeyVersion { Key = n })], ExpectedBucketOwner = Options.ExpectedBucketOwner };
        return CallAsync(t => _client.DeleteObjectsAsync(request, t), cancellationToken);
    }

    public Task<ListObjectsV2Response> ListAsync(string prefix, string? after, string? continuation, int? pageLength, CancellationToken cancellationToken)
    {
        var request = new ListObjectsV2Request
        {
            BucketName = Options.Bucket,
            Prefix = prefix,
            StartAfter = continuation is null ? after : null,
            ContinuationToken = continuation,
            MaxKeys = pageLength,
            ExpectedBucketOwner = Options.ExpectedBucketOwner,
        };
        return CallAsync(t => _client.ListObjectsV2Async(request, t), cancellationToken);
    }

    /// <summary>An address from which anybody may GET an object for a while. No call is made, but perhaps one for credentials.</summary>
    public async Task<Uri> PresignAsync(string name, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        var request = new GetPreSignedUrlRequest
        {
            BucketName = Options.Bucket,
            Key = name,
            Verb = HttpVerb.GET,

            // The vendor's client counts from the whole second; with a fraction more it would be a second too long.
            Expires = (DateTimeOffset.FromUnixTimeSeconds(_time.GetUtcNow().ToUnixTimeSeconds()) + lifetime).UtcDateTime,
            Protocol = Options.Endpoint?.Scheme == Uri.UriSchemeHttp ? Protocol.HTTP : Protocol.HTTPS,
        };
        return new Uri(await CallAsync(t => _client.GetPreSignedURLAsync(request).WaitAsync(t), cancellationToken).ConfigureAwait(false));
    }

    public void Dispose()
    {
        _client.Dispose();
        _connections.Dispose();
    }

    private ServerSideEncryptionMethod? Encryption => Options.Encryption switch
    {
        S3Encryption.Storage => ServerSideEncryptionMethod.AES256,
        S3Encryption.Kms => ServerSideEncryptionMethod.AWSKMS,
        _ => null,
    };

    private static void AddFields(MetadataCollection target, HeadersCollection headers, BlobMetadata blob)
    {
        if (blob.Coding.Length > 0)
            headers.ContentEncoding = blob.Coding;
        foreach (var (name, value) in ObjectMetadata.Write(blob))
            target[name] = value;
    }

    /// <summary>A wait that the caller ends is the caller's exception; one that takes too long is a <see cref="TimeoutException"/>.</summary>
    private async Task<T> CallAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken, int factor = 1)
    {
        using var limit = new CancellationTokenSource(Options.Timeout * factor, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            // The vendor's client may wait for credentials before its first call, and for the text of an error after it, and both without giving its thread away.
            await OutboundConnection.LeaveSocketThreadAsync().ConfigureAwait(false);
            return await call(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException error) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"No answer within {Options.Timeout * factor}.", error);
        }
        catch (AmazonClientException error) when (error.InnerException is OperationCanceledException && cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException("The caller ended the wait.", error, cancellationToken);
        }
    }
}

/// <summary>What must hold at the server when a change takes effect.</summary>
/// <param name="IsAbsent">No object has the name.</param>
/// <param name="ETag">The object is this version; null for any.</param>
internal readonly record struct Precondition(bool IsAbsent, string? ETag);
