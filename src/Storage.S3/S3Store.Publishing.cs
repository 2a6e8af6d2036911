using System.Security.Cryptography;
using Microsoft.Extensions.Logging;

namespace EdgeCache.Storage.S3;

/// <content>Writing and deleting: the decision, and the change under the condition that the decision still holds.</content>
public sealed partial class S3Store
{
    /// <summary>How often a change is decided anew when the key changes at the same time.</summary>
    private const int MaxAttempts = 8;

    /// <summary>Largest object that a server copies in one call.</summary>
    private const long MaxCopyLength = 5L << 30;
    private const int HashBufferLength = 128 * 1024;

    /// <inheritdoc/>
    public ValueTask<Outcome<IBlobWriter>> OpenWriteAsync(BlobKey key, PutOptions options, CancellationToken cancellationToken)
    {
        if (options.ExpectedLength > options.MaxLength)
            return new(StoreStatus.TooLarge);
        if (options.ExpectedLength > MaxObjectLength)
            return new(Outcome<IBlobWriter>.Fail(StoreStatus.TooLarge, TooManyParts));
        if (_closed)
            return new(Outcome<IBlobWriter>.Fail(StoreStatus.Unavailable, "The store is closed."));
        var draft = options.Draft(key, _time.GetUtcNow());
        if (ObjectMetadata.Measure(draft) is var length && length > ObjectMetadata.MaxLength)
            return new(Outcome<IBlobWriter>.Fail(StoreStatus.TooLarge, $"The tags and stored headers take {length} bytes beside an object; S3 keeps {ObjectMetadata.MaxLength}."));
        return new(Outcome<IBlobWriter>.Good(new S3BlobWriter(this, _session, _buffers, _names.Of(key), draft, options, _compression.TryBegin(draft, options))));
    }

    /// <inheritdoc/>
    public async ValueTask<Outcome<BlobMetadata>> DeleteAsync(BlobKey key, BlobCondition? condition, CancellationToken cancellationToken)
    {
        try
        {
            using var held = await _gate.EnterAsync(key, _options.Timeout, cancellationToken).ConfigureAwait(false);
            return held is null ? Busy<BlobMetadata>() : await DeleteHeldAsync(key, condition, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (IsExpected(error, cancellationToken))
        {
            return Fail<BlobMetadata>(error);
        }
    }

    internal long MaxObjectLength => (long)_options.PartSize * PartsUpload.MaxParts;

    internal string TooManyParts => $"The content is longer than {MaxObjectLength} bytes, the most that {PartsUpload.MaxParts} parts of {_options.PartSize} bytes take: make parts larger (PartSize).";

    /// <summary>Publishes what a writer has gathered: decides by what is there, and changes it under the condition that this is still so.</summary>
    internal async ValueTask<Outcome<PutReceipt>> PublishAsync(S3BlobWriter writer, BlobMetadata next, PutOptions options, CancellationToken cancellationToken)
    {
        try
        {
            using var held = await _gate.EnterAsync(next.Key, _options.Timeout, cancellationToken).ConfigureAwait(false);
            if (held is null)
                return Busy<PutReceipt>();
            if (options.IfGeneration is { } stamp && stamp != _generations.Get(next.Key))
                return StoreStatus.Superseded;

            // Once begun, a publication is finished: from here on only time-outs end a wait.
            return await PublishHeldAsync(writer, next, options).ConfigureAwait(false);
        }
        catch (Exception error) when (IsExpected(error, cancellationToken))
        {
            return Fail<PutReceipt>(error);
        }
    }

    /// <summary>Outcome of a fault while content is uploaded.</summary>
    internal StoreStatus OnWriteFault(Exception error) => Fail<PutReceipt>(error).Status;

    internal void NoteAbandoned(string name, Exception error) => LogAbandoned(error, name);

    internal bool IsExpectedFault(Exception error, CancellationToken cancellationToken) => IsExpected(error, cancellationToken);

    /// <summary>One more than the last, or the time in microseconds if that is more.</summary>
    internal long NextGeneration()
    {
        while (true)
        {
            var last = Volatile.Read(ref _generation);
            var next = Math.Max(last + 1, (_time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond);
            if (Interlocked.CompareExchange(ref _generation, next, last) == last)
                return next;
        }
    }

    private async Task<Outcome<PutReceipt>> PublishHeldAsync(S3BlobWriter writer, BlobMetadata next, PutOptions options)
    {
        // Whether to look first: an immutable write alone can be left to a server that is known to keep the condition.
        var isTrusted = writer.IsInParts ? _options.Capabilities.CreateOnlyInParts : _options.Capabilities.CreateOnly;
        var look = options.Replace || options.Condition is not null || !isTrusted;
        for (var attempt = 0; attempt < MaxAttempts; attempt++)
        {
            var current = look ? await FindAsync(next.Key, CancellationToken.None).ConfigureAwait(false) : null;
            if (look && await JudgeAsync(current, next, options).ConfigureAwait(false) is { } verdict)
                return verdict;
            if (!writer.IsInParts)
                next = next with { Generation = Math.Max(NextGeneration(), (current?.Blob.Generation ?? 0) + 1) };
            var condition = !options.Replace || (options.Condition is not null && current is null)
                ? new Precondition(IsAbsent: true, null)
                : new Precondition(IsAbsent: false, options.Condition is null || !_options.Capabilities.Replace ? null : current?.ETag);
            _generations.Advance(next.Key);
            try
            {
                var etag = await writer.SendAsync(next, condition).ConfigureAwait(false);
                Succeeded();
                if (writer.IsInParts)
                    (next, etag) = await StampAsync(writer, next, etag ?? await LearnValidatorAsync(next).ConfigureAwait(false), current?.Blob).ConfigureAwait(false);
                var stored = next.FarValidator.Length > 0 ? next : next with { FarValidator = etag ?? "" };
                return new PutReceipt(current is null ? PutEffect.Created : PutEffect.Replaced, stored, StoredWhere.Far);
            }
            catch (Exception error) when (S3Faults.IsConflict(error))
            {
                look = true;
            }
            finally
            {
                _generations.Advance(next.Key);
            }
        }
        return Outcome<PutReceipt>.Fail(StoreStatus.Unavailable, $"The server refused the write {MaxAttempts} times because {next.Key} changes all the time.");
    }

    /// <summary>What the present object means for the write; null when the write is to be made.</summary>
    private async Task<Outcome<PutReceipt>?> JudgeAsync(StoredObject? current, BlobMetadata next, PutOptions options)
    {
        // A call that was repeated finds what its first try has stored.
        if (current is not null && next.Generation > 0 && current.Blob.Generation == next.Generation && current.Blob.Sha256 == next.Sha256)
            return new PutReceipt(PutEffect.Created, current.Blob, StoredWhere.Far);
        if (options.Condition?.Holds(current?.Blob) == false)
            return StoreStatus.PreconditionFailed;
        if (current is null)
            return null;
        if (options.Replace && !IsSame(current.Blob, next))
            return null;
        if (options.Replace)
            return new PutReceipt(PutEffect.Unchanged, current.Blob, StoredWhere.Far);
        if (current.Blob.Length != next.Length)
            return StoreStatus.Exists;

        // Nobody wrote down the digest of this object: only its bytes can say whether they are the same.
        var digest = current.Blob.Sha256.IsKnown ? current.Blob.Sha256 : await HashAsync(next.Key, current).ConfigureAwait(false);
        return digest == next.Sha256
            ? new PutReceipt(PutEffect.Unchanged, current.Blob with { Sha256 = digest, PayloadSha256 = digest }, StoredWhere.Far)
            : StoreStatus.Exists;
    }

    /// <summary>The validator of what was just completed, where the answer did not tell it; null when another node has replaced it since.</summary>
    private async Task<string?> LearnValidatorAsync(BlobMetadata next)
    {
        try
        {
            return await FindAsync(next.Key, CancellationToken.None).ConfigureAwait(false) is { } found && found.Blob.Generation == next.Generation && found.Blob.Length == next.Length ? found.ETag : null;
        }
        catch (Exception error) when (IsExpected(error, CancellationToken.None))
        {
            LogUnstamped(error, next.Key);
            return null;
        }
    }

    /// <summary>
    /// Writes down, by a copy of the object onto itself, what was not known when its upload began: the digest, the checksums of its blocks, or that it is newer than what it replaced. The
    /// blob is stored whether or not this succeeds; an object without a digest is one whose digest is not known, and parts of one without checksums are held against its length and version.
    /// </summary>
    private async Task<(BlobMetadata Blob, string? ETag)> StampAsync(S3BlobWriter writer, BlobMetadata next, string? etag, BlobMetadata? previous)
    {
        if (writer.HasAllInUpload(next) && !(previous?.Generation >= next.Generation))
            return (next, etag);

        // Without the version that it is about, this could say of another's bytes that they are ours.
        if (etag is null || next.Length > MaxCopyLength)
            return (next, etag);
        var stamped = next with { Generation = Math.Max(NextGeneration(), (previous?.Generation ?? 0) + 1) };
        try
        {
            var copy = await _session.ReplaceMetadataAsync(_names.Of(next.Key), etag, writer.AsStored(stamped), CancellationToken.None).ConfigureAwait(false);
            return (stamped, ETags.Normalize(copy.ETag) ?? etag);
        }
        catch (Exception error) when (IsExpected(error, CancellationToken.None))
        {
            LogUnstamped(error, next.Key);
            return (next, etag);
        }
    }

    private async Task<Outcome<BlobMetadata>> DeleteHeldAsync(BlobKey key, BlobCondition? condition, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < MaxAttempts; attempt++)
        {
            var current = await FindAsync(key, cancellationToken).ConfigureAwait(false);
            if (condition?.Holds(current?.Blob) == false)
                return StoreStatus.PreconditionFailed;
            _generations.Advance(key);
            try
            {
                if (current is null)
                    return StoreStatus.Missing;
                var etag = condition is not null && _options.Capabilities.Delete ? current.ETag : null;
                await _session.DeleteAsync(_names.Of(key), etag, CancellationToken.None).ConfigureAwait(false);
                Succeeded();
                return current.Blob;
            }
            catch (Exception error) when (S3Faults.IsConflict(error))
            {
                // Another node replaced it since: the condition is checked again.
            }
            finally
            {
                _generations.Advance(key);
            }
        }
        return Busy<BlobMetadata>();
    }

    private async Task<Sha256Digest> HashAsync(BlobKey key, StoredObject stored)
    {
        await using var reader = NewReader(_names.Of(key), stored, begin: null);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[HashBufferLength];
        for (var offset = 0L; offset < stored.Blob.Length;)
        {
            var read = await reader.ReadAsync(offset, buffer, CancellationToken.None).ConfigureAwait(false);
            hash.AppendData(buffer.AsSpan(0, read));
            offset += read;
        }
        return new Sha256Digest(hash.GetHashAndReset());
    }

    /// <summary>Whether replacing would change nothing that a reader sees.</summary>
    private static bool IsSame(BlobMetadata current, BlobMetadata next) =>
        current.Sha256 == next.Sha256 && current.ContentType == next.ContentType && current.StoredHeaders.SequenceEqual(next.StoredHeaders)
        && current.Tags.SequenceEqual(next.Tags, StringComparer.Ordinal) && (next.FarValidator.Length == 0 || current.FarValidator == next.FarValidator);

    private static Outcome<T> Busy<T>()
        where T : class => Outcome<T>.Fail(StoreStatus.Unavailable, "Other changes of this key took too long.");

    [LoggerMessage(LogLevel.Warning, "{Key} is stored, but what was not known when its upload began, such as its SHA-256, could not be written beside it")]
    private partial void LogUnstamped(Exception error, BlobKey key);

    [LoggerMessage(LogLevel.Warning, "The parts of an upload of {Name} that was given up could not be removed; a lifecycle rule of the bucket should")]
    private partial void LogAbandoned(Exception error, string name);
}
