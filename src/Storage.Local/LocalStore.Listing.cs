using System.Runtime.CompilerServices;
using EdgeCache.Storage.Local.Disk;
using EdgeCache.Storage.Local.Index;
using EdgeCache.Storage.Local.Listing;
using EdgeCache.Storage.Local.Segments;

namespace EdgeCache.Storage.Local;

/// <content>Listing.</content>
public sealed partial class LocalStore
{
    private readonly ListingTable _listing;

    /// <summary>For tests: bytes of the log that the table has been made of.</summary>
    internal long ListedBytes => _listing.ReadBytes;

    /// <summary>The names of all namespaces that have blobs, and maybe of some that had, in ordinal order.</summary>
    public IReadOnlyList<string> Namespaces => [.. _namespaces.List().Keys.Order(StringComparer.Ordinal)];

    /// <summary>Whether a folder is a store's, by the look of it: it has a marker or segments.</summary>
    public static bool IsStore(string path)
    {
        var layout = new StoreLayout(Path.GetFullPath(path));
        return File.Exists(layout.Marker) || Directory.Exists(layout.Segments);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// The order comes from a table beside the log (docs/disk-format.md), which the first listing makes, reading the whole log; each listing first reads what was appended since.
    /// Each line is confirmed by the index and the record that it points to.
    /// </remarks>
    public async IAsyncEnumerable<BlobListing> ListAsync(BlobPrefix prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await _listing.CatchUpAsync(cancellationToken).ConfigureAwait(false);
        for (ListingCursor? next = ListingCursor.Start(prefix); next is { } cursor;)
        {
            (var found, next) = await _listing.ReadAsync(prefix, cursor, row => Confirm(prefix, row), cancellationToken).ConfigureAwait(false);
            foreach (var listing in found)
            {
                cancellationToken.ThrowIfCancellationRequested();
                yield return listing;
            }
        }
    }

    private ListingTable MakeListing() => new(
        _layout.Listing,
        path => ListingDatabase.Open(path, _secret.ToGuid(), _segments),
        new LogLister(_segments, _index, _secret, FindStored),
        SettleAsync,
        _disk,
        _time,
        _logger);

    /// <summary>Waits until the index is complete, and every change that is under way has ended: the table is made of what the index says.</summary>
    private async ValueTask SettleAsync(CancellationToken cancellationToken)
    {
        await _rebuilt.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        await _keyLocks.PassThroughAsync().ConfigureAwait(false);
    }

    /// <summary>What a row of the table is now; null when the blob has gone, or is no longer one that was asked for.</summary>
    private BlobListing? Confirm(BlobPrefix prefix, ListingRow row)
    {
        if (!_index.TryGet(HashOf(row.Key), out var entry))
            return null;
        if (entry.IsAt(row.Segment, IndexEntry.ToUnits(row.Offset)) && IsLive(entry))
            return IsExpired(row.Key, row.Created, entry.NamespaceId) ? null : new BlobListing(row.Key, row.Length, row.Created);
        // Moved, written again, or deleted by a process that ended before the index was written down.
        return FindCurrent(row.Key) is { } metadata && (prefix.Tag is null || metadata.Tags.Contains(prefix.Tag, StringComparer.Ordinal))
            && (prefix.Writer is null || metadata.Writer == prefix.Writer) ? new BlobListing(metadata.Key, metadata.Length, metadata.Created) : null;
    }

    private bool IsLive(in IndexEntry entry)
    {
        Span<byte> bytes = stackalloc byte[RecordFormat.HeaderLength];
        try
        {
            return _segments.Find(entry.Segment) is { } segment && segment.File.Read(entry.ByteOffset, bytes) == bytes.Length
                && RecordFormat.TryRead(bytes, out var header) && !header.Dead && header.Hash == entry.Hash;
        }
        catch (ObjectDisposedException)
        {
            // Reclaimed in this instant: it has moved.
            return false;
        }
    }
}
