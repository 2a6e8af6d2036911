using System.Security.Cryptography;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests.Simulation;

/// <summary>Writes and deletes through a store, and records in a history what was asked and what was answered.</summary>
internal static class RecordedStore
{
    public static Sha256Digest DigestOf(ReadOnlySpan<byte> content) => new(SHA256.HashData(content));

    /// <summary>Puts a whole blob; replaces what is there unless the options say otherwise.</summary>
    public static async Task<StoreStatus> PutAsync(this History history, IBlobStore store, BlobKey key, byte[] content, PutOptions? options = null)
    {
        var operation = history.Attempt(key, DigestOf(content));
        Outcome<PutReceipt> outcome;
        try
        {
            outcome = await store.PutAsync(key, content, options ?? new PutOptions { Replace = true });
        }
        catch
        {
            history.Fail(operation);
            throw;
        }
        // A receipt that promises nothing is no acknowledgement.
        if (outcome is { IsOk: true, Value.Stored: not StoredWhere.None })
            history.Acknowledge(operation);
        else if (ChangedNothing(outcome.Status))
            history.Refuse(operation);
        else
            history.Fail(operation);
        return outcome.Status;
    }

    public static async Task<StoreStatus> DeleteAsync(this History history, IBlobStore store, BlobKey key)
    {
        var operation = history.Attempt(key, content: null);
        Outcome<BlobMetadata> outcome;
        try
        {
            outcome = await store.DeleteAsync(key, null, CancellationToken.None);
        }
        catch
        {
            history.Fail(operation);
            throw;
        }
        // "Missing" is an answer that a crash must not take back either.
        if (outcome.IsOk || outcome.Status == StoreStatus.Missing)
            history.Acknowledge(operation);
        else if (ChangedNothing(outcome.Status))
            history.Refuse(operation);
        else
            history.Fail(operation);
        return outcome.Status;
    }

    /// <summary>From here on eviction may take the blob, and what is written later is not concerned.</summary>
    public static void MayEvict(this History history, BlobKey key) => history.Fail(history.Attempt(key, content: null));

    /// <summary>The blob was there, acknowledged, before the scenario began.</summary>
    public static void Had(this History history, BlobKey key, byte[] content) => history.Acknowledge(history.Attempt(key, DigestOf(content)));

    private static bool ChangedNothing(StoreStatus status) =>
        status is StoreStatus.Missing or StoreStatus.Exists or StoreStatus.PreconditionFailed or StoreStatus.Superseded
            or StoreStatus.LengthMismatch or StoreStatus.DigestMismatch or StoreStatus.TooLarge;
}
