using System.Runtime.CompilerServices;

namespace EdgeCache.Storage.Tiering;

/// <content>Purging copies.</content>
public sealed partial class TieredStore
{
    /// <inheritdoc/>
    public async ValueTask<Outcome<BlobMetadata>> SoftenCopyAsync(BlobKey key, CancellationToken cancellationToken)
    {
        using var held = await _gate.EnterAsync(key, _options.WaitLimit, cancellationToken).ConfigureAwait(false);
        if (held is null)
            return Busy<BlobMetadata>();
        var copy = await _near.StatAsync(key, cancellationToken).ConfigureAwait(false);

        // The present version is here alone: the far store has nothing to say about it.
        if (IsPending(key))
            return copy;
        if (copy.IsOk && _softened.TryAdd(key, _answers.Begin().Turn))
            return copy;

        // Also where there is no copy: to remove it is what ends fetches and voids answers.
        return copy.Status == StoreStatus.Unavailable ? copy : await RemoveAsync(key, copy).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<Outcome<BlobMetadata>> DropCopyAsync(BlobKey key, CancellationToken cancellationToken)
    {
        using var held = await _gate.EnterAsync(key, _options.WaitLimit, cancellationToken).ConfigureAwait(false);
        if (held is null)
            return Busy<BlobMetadata>();
        if (IsPending(key))
            return Outcome<BlobMetadata>.Fail(StoreStatus.Unavailable, "The blob is not in the far store yet: to remove it here would be to lose it.");
        return await RemoveAsync(key, await _near.StatAsync(key, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<BlobListing> ListCopiesAsync(BlobPrefix prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var (key, blob) in _fills.Fetching)
        {
            if (IsWithin(key, blob, prefix))
                yield return new BlobListing(key, blob?.Length ?? 0, blob?.Created ?? DateTimeOffset.UnixEpoch);
        }
        await foreach (var copy in _near.ListAsync(prefix, cancellationToken).ConfigureAwait(false))
            yield return copy;
    }

    /// <inheritdoc/>
    public async ValueTask ForgetAsync(string @namespace, CancellationToken cancellationToken)
    {
        _answers.Forget(@namespace);
        foreach (var (key, blob) in _fills.Fetching)
        {
            // In every mode: who means to remove others must not lose this one.
            if (blob is null && key.Namespace == @namespace)
                await SoftenCopyAsync(key, cancellationToken).ConfigureAwait(false);
        }
    }

    private static bool IsWithin(BlobKey key, BlobMetadata? blob, BlobPrefix prefix) =>
        key.Namespace == prefix.Namespace && (prefix.Tenant is null || key.Tenant == prefix.Tenant) && key.Key.StartsWith(prefix.KeyPrefix, StringComparison.Ordinal)
        && (prefix.Tag is null || blob?.Tags.Contains(prefix.Tag, StringComparer.Ordinal) == true) && (prefix.Writer is null || blob?.Writer == prefix.Writer);

    /// <summary>Under the gate.</summary>
    private async ValueTask<Outcome<BlobMetadata>> RemoveAsync(BlobKey key, Outcome<BlobMetadata> copy)
    {
        var removed = await _near.DeleteAsync(key, condition: null, CancellationToken.None).ConfigureAwait(false);
        return removed.Status == StoreStatus.Missing ? StoreStatus.Missing : removed.IsOk && copy.IsOk ? copy : removed;
    }
}
