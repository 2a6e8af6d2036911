using System.Buffers;
using Microsoft.Extensions.Logging;

namespace EdgeCache.Storage.Tiering;

/// <summary>Takes one entry of the outbox to the far store: sends what the local store has under the key now, and publishes it if that is still what it has.</summary>
/// <remarks>
/// Content streams without the key's gate. Under it: is it still this version, publish, remove the entry. Whoever writes the key adds the entry and publishes locally
/// under the same gate, so an entry never goes for a version that is older than the one it was added for.
/// </remarks>
internal sealed partial class BlobUpload(IBlobStore near, IBlobStore far, IOutbox outbox, KeyGate gate, Func<string, bool> replaces, ILogger logger)
{
    private const int BufferLength = 128 * 1024;

    /// <summary>How long a key may be somebody else's. Longer, and the upload is tried again later.</summary>
    private static readonly TimeSpan GateLimit = TimeSpan.FromSeconds(30);

    /// <summary>Tries once. What the stores do has time-outs of their own.</summary>
    public async Task<UploadResult> RunAsync(OutboxEntry entry, CancellationToken cancellationToken)
    {
        var opened = await near.OpenReadAsync(entry.Key, ByteRange.Whole, cancellationToken).ConfigureAwait(false);
        if (opened.Status == StoreStatus.Missing)
            return await ForgetAsync(entry, cancellationToken).ConfigureAwait(false);
        if (!opened.IsOk)
            return new UploadResult(UploadStatus.Later, $"The local store can't read it: {Say(opened.Status, opened.Detail)}");
        await using var reader = opened.Value;
        try
        {
            return await SendAsync(entry, reader, cancellationToken).ConfigureAwait(false);
        }
        catch (BlobDamagedException error)
        {
            return await ParkAsync(entry, reader.Metadata, $"The local copy is damaged: {error.Message}", cancellationToken).ConfigureAwait(false);
        }
    }

    private static bool IsForGood(StoreStatus status) =>
        status is StoreStatus.TooLarge or StoreStatus.Exists or StoreStatus.PreconditionFailed or StoreStatus.DigestMismatch or StoreStatus.LengthMismatch;

    private static string Say(StoreStatus status, string? detail) => detail is null ? $"{status}." : $"{status}: {detail}";

    private async Task<UploadResult> SendAsync(OutboxEntry entry, IBlobReader reader, CancellationToken cancellationToken)
    {
        // An upload in parts has them beside it from the beginning, so they must be known before anything is sent.
        var checksums = await BlockChecksums.OfAsync(reader, cancellationToken).ConfigureAwait(false);
        var options = PutOptions.CopyOf(reader.Metadata) with { Replace = replaces(entry.Key.Namespace), FarValidator = "", Checksums = checksums };
        var opened = await far.OpenWriteAsync(entry.Key, options, cancellationToken).ConfigureAwait(false);
        if (!opened.IsOk)
            return await JudgeAsync(entry, reader.Metadata, opened.Status, opened.Detail, cancellationToken).ConfigureAwait(false);
        await using var writer = opened.Value;
        if (await CopyAsync(reader, writer, cancellationToken).ConfigureAwait(false) is var status && status != StoreStatus.Ok)
            return await JudgeAsync(entry, reader.Metadata, status, null, cancellationToken).ConfigureAwait(false);
        var (early, outcome) = await PublishAsync(entry, reader.Metadata, writer, cancellationToken).ConfigureAwait(false);
        return early ?? await JudgeAsync(entry, reader.Metadata, outcome.Status, outcome.Detail, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<StoreStatus> CopyAsync(IBlobReader reader, IBlobWriter writer, CancellationToken cancellationToken)
    {
        if (reader.TryGetMemory(out var memory))
            return memory.Length == 0 ? StoreStatus.Ok : await writer.WriteAsync(memory, cancellationToken).ConfigureAwait(false);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferLength);
        try
        {
            for (var offset = 0L; offset < reader.Metadata.Length;)
            {
                var read = await reader.ReadAsync(offset, buffer, cancellationToken).ConfigureAwait(false);
                // The commit says that it is too short.
                if (read == 0)
                    break;
                var status = await writer.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
                if (status != StoreStatus.Ok)
                    return status;
                offset += read;
            }
            return StoreStatus.Ok;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Publishes what was sent, if the local store still has the same.</summary>
    /// <returns>The result where that is all; otherwise what the far store said.</returns>
    private async Task<(UploadResult? Result, Outcome<PutReceipt> Outcome)> PublishAsync(OutboxEntry entry, BlobMetadata sent, IBlobWriter writer, CancellationToken cancellationToken)
    {
        using var held = await gate.EnterAsync(entry.Key, GateLimit, cancellationToken).ConfigureAwait(false);
        if (await CompareAsync(held, entry.Key, cancellationToken).ConfigureAwait(false) is var (generation, unknown) && unknown is not null)
            return (unknown, default);
        if (generation != sent.Generation)
            return (new UploadResult(UploadStatus.Changed), default);
        var outcome = await writer.CommitAsync(cancellationToken).ConfigureAwait(false);
        if (!outcome.IsOk)
            return (null, outcome);
        await outbox.RemoveAsync(entry, CancellationToken.None).ConfigureAwait(false);
        return (new UploadResult(UploadStatus.Done), outcome);
    }

    private async Task<UploadResult> JudgeAsync(OutboxEntry entry, BlobMetadata sent, StoreStatus status, string? detail, CancellationToken cancellationToken)
    {
        var reason = $"The far store does not take it: {Say(status, detail)}";
        return IsForGood(status) ? await ParkAsync(entry, sent, reason, cancellationToken).ConfigureAwait(false) : new UploadResult(UploadStatus.Later, reason);
    }

    /// <summary>Sets an entry aside, unless the local store has something else by now, which deserves its own try. Damage that has just been found makes it missing.</summary>
    private async Task<UploadResult> ParkAsync(OutboxEntry entry, BlobMetadata sent, string reason, CancellationToken cancellationToken)
    {
        using var held = await gate.EnterAsync(entry.Key, GateLimit, cancellationToken).ConfigureAwait(false);
        if (await CompareAsync(held, entry.Key, cancellationToken).ConfigureAwait(false) is var (generation, unknown) && unknown is not null)
            return unknown.Value;
        if (generation is not null && generation != sent.Generation)
            return new UploadResult(UploadStatus.Changed);
        await outbox.ParkAsync(entry, reason, CancellationToken.None).ConfigureAwait(false);
        return new UploadResult(UploadStatus.Parked, reason);
    }

    /// <summary>Removes the entry of a blob that is not there. While somebody is just publishing it, he has the gate.</summary>
    private async Task<UploadResult> ForgetAsync(OutboxEntry entry, CancellationToken cancellationToken)
    {
        using var held = await gate.EnterAsync(entry.Key, GateLimit, cancellationToken).ConfigureAwait(false);

        // Asked before the look: what is found out after it must not make its answer final.
        var isKnown = near.State.Rebuilding is null;
        if (await CompareAsync(held, entry.Key, cancellationToken).ConfigureAwait(false) is var (generation, unknown) && unknown is not null)
            return unknown.Value;
        if (generation is not null)
            return new UploadResult(UploadStatus.Changed);
        if (!isKnown)
            return new UploadResult(UploadStatus.Later, "The local store is still finding out which blobs it has.");
        // Whoever deletes a blob removes its entry too.
        if (outbox.ListWaiting(entry.Number - 1, 1) is [var current] && current.Number == entry.Number)
            LogMissing(entry.Key, entry.Added);
        await outbox.RemoveAsync(entry, CancellationToken.None).ConfigureAwait(false);
        return new UploadResult(UploadStatus.Nothing);
    }

    /// <summary>Which version the local store has now, with the key's gate held; null for none. Or why that can't be said.</summary>
    private async Task<(long? Generation, UploadResult? Unknown)> CompareAsync(IDisposable? held, BlobKey key, CancellationToken cancellationToken)
    {
        if (held is null)
            return (null, new UploadResult(UploadStatus.Later, "The key was in use for too long."));
        var found = await near.StatAsync(key, cancellationToken).ConfigureAwait(false);
        if (found.IsOk || found.Status == StoreStatus.Missing)
            return (found.Value?.Generation, null);
        return (null, new UploadResult(UploadStatus.Later, $"The local store can't read it: {Say(found.Status, found.Detail)}"));
    }

    [LoggerMessage(LogLevel.Warning, "{Key}, in the outbox since {Added}, is not in the local store: its write was not finished, or it was found damaged. Nothing is sent")]
    private partial void LogMissing(BlobKey key, DateTimeOffset added);
}
