namespace EdgeCache.Storage.Tiering;

/// <summary>The far store's listing, and in its order those of the local store's that the far one does not have yet.</summary>
internal static class MergedListing
{
    public static async IAsyncEnumerable<BlobListing> Of(IAsyncEnumerable<BlobListing> far, IAsyncEnumerable<BlobListing> near, Func<BlobKey, bool> isPending)
    {
        var pending = near.Where(b => isPending(b.Key)).GetAsyncEnumerator();
        await using var _ = pending.ConfigureAwait(false);
        var hasPending = await pending.MoveNextAsync().ConfigureAwait(false);
        await foreach (var blob in far.ConfigureAwait(false))
        {
            while (hasPending && Compare(pending.Current.Key, blob.Key) < 0)
            {
                yield return pending.Current;
                hasPending = await pending.MoveNextAsync().ConfigureAwait(false);
            }
            if (!hasPending || pending.Current.Key != blob.Key)
            {
                yield return blob;
                continue;
            }
            yield return pending.Current;
            hasPending = await pending.MoveNextAsync().ConfigureAwait(false);
        }
        for (; hasPending; hasPending = await pending.MoveNextAsync().ConfigureAwait(false))
            yield return pending.Current;
    }

    private static int Compare(BlobKey one, BlobKey other) =>
        string.CompareOrdinal(one.Tenant, other.Tenant) is not 0 and var order ? order : string.CompareOrdinal(one.Key, other.Key);
}
