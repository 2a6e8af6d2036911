using System.Net.Http.Headers;
using System.Security.Cryptography;
using EdgeCache.Edge.Delivery;
using EdgeCache.Storage;

namespace EdgeCache.Edge.Origins;

/// <content>
/// Writing and deleting. A node keeps conditions itself. Of any other server that is not known, so it is asked first what is there, and the change is sent under the
/// condition that this is still so, for what it is worth.
/// </content>
internal sealed partial class OriginStore
{
    /// <summary>How often a change is decided anew when the key changes at the same time.</summary>
    private const int MaxAttempts = 8;

    private const int HashBufferLength = 64 * 1024;

    public ValueTask<Outcome<IBlobWriter>> OpenWriteAsync(BlobKey key, PutOptions options, CancellationToken cancellationToken)
    {
        if (options.ExpectedLength > options.MaxLength)
            return new(StoreStatus.TooLarge);
        if (_closed)
            return new(Outcome<IBlobWriter>.Fail(StoreStatus.Unavailable, "The store is closed."));
        var draft = options.Draft(key, DateTimeOffset.UnixEpoch);
        var metadata = client.Target.IsEdgeCache ? MetadataField.Write(draft) : null;
        if (client.Target.IsEdgeCache && metadata is null)
            return new(Outcome<IBlobWriter>.Fail(StoreStatus.TooLarge, $"The tags and stored headers take more than the {MetadataField.MaxLength} bytes that go to an origin."));
        return new(Outcome<IBlobWriter>.Good(new OriginBlobWriter(this, client, draft, metadata, options)));
    }

    public async ValueTask<Outcome<BlobMetadata>> DeleteAsync(BlobKey key, BlobCondition? condition, CancellationToken cancellationToken)
    {
        try
        {
            using var held = await _gate.EnterAsync(key, client.Target.Timeout, cancellationToken);
            return held is null ? Busy<BlobMetadata>() : await DeleteHeldAsync(key, condition, cancellationToken);
        }
        catch (Exception error) when (IsExpected(error, cancellationToken))
        {
            return Fail<BlobMetadata>(error);
        }
    }

    /// <summary>Decides what a write is to do.</summary>
    internal async ValueTask<PutPlan> PlanAsync(BlobKey key, PutOptions options, CancellationToken cancellationToken)
    {
        if (PutPlan.IsImpossible(options.Condition))
            return new PutPlan { IsRefused = true };
        if (options is { Condition: null, Replace: true })
            return new PutPlan();
        if (client.Target.IsEdgeCache && options is { Condition: null, Replace: false })
            return new PutPlan { IfAbsent = true };
        if (client.Target.IsEdgeCache && options.Replace && PutPlan.CanSay(options.Condition))
            return new PutPlan { Condition = options.Condition };
        var current = await FindAsync(key, cancellationToken);
        if (options.Condition?.Holds(current?.Blob) == false)
            return new PutPlan { IsRefused = true };
        if (current is null)
            return new PutPlan { IfAbsent = true };
        return options.Replace ? new PutPlan { IfMatch = current.ETag } : new PutPlan { IsComparison = true };
    }

    /// <summary>What an answer means for content that is still being written; null where only the whole content tells.</summary>
    internal Outcome<PutReceipt>? RefusalOf(OriginAnswer answer)
    {
        if (answer.Status is StatusCodes.Status409Conflict or StatusCodes.Status412PreconditionFailed)
            return null;
        return answer.Response.IsSuccessStatusCode
            ? Fail<PutReceipt>(OriginBlob.Bad(client.Target, "answered before it had the content"))
            : Refuse(answer);
    }

    /// <summary>Ends the content of a writer under the key's gate, and tells how it went.</summary>
    internal async ValueTask<Outcome<PutReceipt>> PublishAsync(OriginBlobWriter writer, BlobMetadata next, PutOptions options, CancellationToken cancellationToken)
    {
        try
        {
            using var held = await _gate.EnterAsync(next.Key, client.Target.Timeout, cancellationToken);
            if (held is null)
                return Busy<PutReceipt>();
            if (options.IfGeneration is { } stamp && stamp != _generations.Get(next.Key))
                return StoreStatus.Superseded;

            // Once begun, a publication is finished: from here on only time-outs end a wait.
            return await PublishHeldAsync(writer, next, options);
        }
        catch (Exception error) when (IsExpected(error, cancellationToken))
        {
            return Fail<PutReceipt>(error);
        }
    }

    private async Task<Outcome<PutReceipt>> PublishHeldAsync(OriginBlobWriter writer, BlobMetadata next, PutOptions options)
    {
        for (var attempt = 0; attempt < MaxAttempts; attempt++)
        {
            var plan = writer.Plan ?? await PlanAsync(next.Key, options, CancellationToken.None);
            if (plan.IsRefused)
                return StoreStatus.PreconditionFailed;
            if (!plan.IsComparison)
            {
                _generations.Advance(next.Key);
                try
                {
                    using var answer = await writer.SendAsync(next, plan);
                    if (answer.Status != StatusCodes.Status412PreconditionFailed)
                        return answer.Response.IsSuccessStatusCode ? Receive(answer, next) : Refuse(answer);
                }
                finally
                {
                    _generations.Advance(next.Key);
                }
                if (plan.Condition is not null)
                    return StoreStatus.PreconditionFailed;
            }

            // Something else is there than was taken for granted. What has gone out can't be sent again.
            if (!options.Replace && (plan.IsComparison || options.Condition is null) && await CompareAsync(next) is { } verdict)
                return verdict;
            if (writer.Plan is not null && options.Condition is not null)
                return StoreStatus.PreconditionFailed;
            if (writer.Plan is not null)
                break;
        }
        return Outcome<PutReceipt>.Fail(StoreStatus.Unavailable, $"{client.Target.Name} refused the write because {next.Key} changes all the time.");
    }

    /// <summary>Whether the present blob is the one that was to be written; null when there is none any more.</summary>
    private async Task<Outcome<PutReceipt>?> CompareAsync(BlobMetadata next)
    {
        if (await FindAsync(next.Key, CancellationToken.None) is not { } current)
            return null;
        if (current.Blob.Length != next.Length)
            return StoreStatus.Exists;
        var digest = current.Blob.Sha256.IsKnown ? current.Blob.Sha256 : await HashAsync(current);
        return digest == next.Sha256
            ? new PutReceipt(PutEffect.Unchanged, current.Blob with { Sha256 = digest, PayloadSha256 = digest }, StoredWhere.Far)
            : StoreStatus.Exists;
    }

    /// <summary>Nobody wrote down the digest of this blob: only its bytes can say whether they are the same.</summary>
    private async Task<Sha256Digest> HashAsync(OriginBlob stored)
    {
        await using var reader = await OpenAsync(stored.Blob.Key, ByteRange.Whole, CancellationToken.None);
        if (reader is null || reader.Metadata.Length != stored.Blob.Length)
            return default;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[HashBufferLength];
        for (var offset = 0L; offset < reader.Metadata.Length;)
        {
            var read = await reader.ReadAsync(offset, buffer, CancellationToken.None);
            hash.AppendData(buffer.AsSpan(0, read));
            offset += read;
        }
        return new Sha256Digest(hash.GetHashAndReset());
    }

    /// <summary>The receipt of an acknowledged write: what the origin tells of it, and what we know.</summary>
    private PutReceipt Receive(OriginAnswer answer, BlobMetadata next)
    {
        Succeeded();
        var headers = answer.Response.Headers;
        var peer = client.Target.IsEdgeCache && headers.NonValidated.TryGetValues(MetadataField.Name, out var text) ? MetadataField.TryRead(text.ToString()) : null;
        var now = DateTimeOffset.FromUnixTimeMilliseconds(client.Time.GetUtcNow().ToUnixTimeMilliseconds());
        var stored = next with
        {
            Created = peer?.Created ?? (next.Created > DateTimeOffset.UnixEpoch ? next.Created : now),
            Generation = peer is { Generation: > 0 } ? peer.Generation : (now - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond,
            FarValidator = next.FarValidator.Length > 0 ? next.FarValidator : OriginBlob.ReadETag(headers) ?? "",
        };
        var effect = peer?.Effect ?? (answer.Status == StatusCodes.Status201Created ? PutEffect.Created : PutEffect.Replaced);
        var isHeld = !(headers.NonValidated.TryGetValues("EdgeCache-Stored", out var where) && where.ToString() == "none");
        return new PutReceipt(effect, stored, isHeld ? StoredWhere.Far : StoredWhere.None);
    }

    private Outcome<PutReceipt> Refuse(OriginAnswer answer) => answer.Status switch
    {
        StatusCodes.Status409Conflict when client.Target.IsEdgeCache => StoreStatus.Exists,
        StatusCodes.Status412PreconditionFailed => StoreStatus.PreconditionFailed,
        StatusCodes.Status413PayloadTooLarge => Outcome<PutReceipt>.Fail(StoreStatus.TooLarge, $"{client.Target.Name} takes no blob of this length (413)."),
        StatusCodes.Status507InsufficientStorage => Outcome<PutReceipt>.Fail(StoreStatus.NoSpace, $"{client.Target.Name} has no room (507)."),
        StatusCodes.Status400BadRequest when client.Target.IsEdgeCache => Outcome<PutReceipt>.Fail(StoreStatus.DigestMismatch, $"{client.Target.Name} refused the content (400): it is not what its key or digest says."),
        _ => Fail<PutReceipt>(OriginFaults.Unexpected(client.Target, answer.Response)),
    };

    private async Task<Outcome<BlobMetadata>> DeleteHeldAsync(BlobKey key, BlobCondition? condition, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < MaxAttempts; attempt++)
        {
            var current = await FindAsync(key, cancellationToken);
            if (condition?.Holds(current?.Blob) == false)
                return StoreStatus.PreconditionFailed;
            _generations.Advance(key);
            try
            {
                if (current is null)
                    return StoreStatus.Missing;

                // Begun, it may happen whether or not somebody waits.
                using var answer = await client.SendAsync(HttpMethod.Delete, key, request => SetDelete(request, condition, current), null, client.Target.Timeout, CancellationToken.None);
                switch (answer.Status)
                {
                    case StatusCodes.Status200OK or StatusCodes.Status204NoContent:
                        Succeeded();
                        return current.Blob;
                    case StatusCodes.Status404NotFound or StatusCodes.Status410Gone:
                        Succeeded();
                        return StoreStatus.Missing;
                    case StatusCodes.Status412PreconditionFailed when condition is not null:
                        break;
                    default:
                        throw OriginFaults.Unexpected(client.Target, answer.Response);
                }
            }
            finally
            {
                _generations.Advance(key);
            }
        }
        return Busy<BlobMetadata>();
    }

    private static void SetDelete(HttpRequestMessage request, BlobCondition? condition, OriginBlob current)
    {
        if (condition is not null && current.ETag is { } etag)
            request.Headers.IfMatch.Add(new EntityTagHeaderValue(etag));
    }

    private static Outcome<T> Busy<T>()
        where T : class => Outcome<T>.Fail(StoreStatus.Unavailable, "Other changes of this key took too long.");
}
