using System.Runtime.CompilerServices;
using EdgeCache.Storage.Local.Index;
using EdgeCache.Storage.Local.Segments;

namespace EdgeCache.Storage.Local;

/// <content>Listing.</content>
public sealed partial class LocalStore
{
    /// <inheritdoc/>
    /// <remarks>The keys are in the records alone, so a listing reads the header of every record of the namespace: for administration, not for serving.</remarks>
    public async IAsyncEnumerable<BlobListing> ListAsync(BlobPrefix prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var found = await _disk.RunAsync(() => FindListed(prefix, cancellationToken)).ConfigureAwait(false);
        foreach (var listing in found)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return listing;
        }
    }

    private List<BlobListing> FindListed(BlobPrefix prefix, CancellationToken cancellationToken)
    {
        var found = new List<BlobListing>();
        var id = _namespaces.IdOf(prefix.Namespace);
        for (var shard = 0; shard < BlobIndex.ShardCount; shard++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var copy = _index.CopyShard(shard);
            foreach (ref readonly var entry in copy.Entries)
            {
                if (entry.NamespaceId == id && IsServable(entry) && RecordReader.ReadMetadata(_segments, entry, out _, out var metadata) == RecordVerdict.Good && IsListed(metadata!.Key, prefix))
                    found.Add(new BlobListing(metadata.Key, metadata.Length, metadata.Created));
            }
        }
        found.Sort(static (a, b) =>
        {
            var byTenant = string.CompareOrdinal(a.Key.Tenant, b.Key.Tenant);
            return byTenant != 0 ? byTenant : string.CompareOrdinal(a.Key.Key, b.Key.Key);
        });
        return found;
    }

    private static bool IsListed(BlobKey key, BlobPrefix prefix) =>
        key.Namespace == prefix.Namespace && (prefix.Tenant is null || key.Tenant == prefix.Tenant) && key.Key.StartsWith(prefix.KeyPrefix, StringComparison.Ordinal);
}
