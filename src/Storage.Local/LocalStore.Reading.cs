using EdgeCache.Storage.Local.Disk;
using EdgeCache.Storage.Local.Files;
using EdgeCache.Storage.Local.Format;
using EdgeCache.Storage.Local.Index;
using EdgeCache.Storage.Local.Memory;
using EdgeCache.Storage.Local.Segments;
using Microsoft.Extensions.Logging;

namespace EdgeCache.Storage.Local;

/// <content>
/// How blobs are read. The index says which record a key has; what is in our memory or the system's is served on the caller's thread; whatever may wait for the disk, or
/// is not as it should be, is done on a thread that may wait.
/// </content>
public sealed partial class LocalStore
{
    /// <summary>Reads that wait for the disk at a time: enough to keep a fast one busy.</summary>
    private const int ReadThreadCount = 16;

    /// <summary>How often a reader looks again when what it was pointed to has just moved.</summary>
    private const int MaxLooks = 5;

    /// <summary>Large blobs whose files stay open between hits: few next to what a process may have open.</summary>
    private const int MaxOpenFiles = 256;

    /// <summary>A large blob was asked for before when its entry says so: its file may stay open.</summary>
    private const int HotFrequency = 2;

    private volatile bool _readingEnded;
    private readonly MemoryTier _memory;
    private readonly SieveCache<OpenFile> _openFiles = new(MaxOpenFiles);

    // Apart from the threads for syncs: a slow sync must not hold up a reader.
    private readonly DiskThreads _reads = new(ReadThreadCount, "disk read");

    /// <inheritdoc/>
    public ValueTask<Outcome<BlobMetadata>> StatAsync(BlobKey key, CancellationToken cancellationToken)
    {
        if (!_index.TryGetAndTouch(HashOf(key), out var entry) || !IsServable(entry))
            return new(StoreStatus.Missing);
        try
        {
            var metadata = entry.IsLarge ? _openFiles.Find(entry)?.Info.Metadata : _memory.Find(entry)?.Metadata;
            if ((metadata is not null || RecordReader.TryReadMetadataNow(_segments, entry, out metadata)) && metadata!.Key == key)
                return IsExpired(metadata, entry.NamespaceId) || !Compression.CanDecode(metadata.Coding) ? new(StoreStatus.Missing) : new(metadata);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The second look says what is wrong.
        }
        return StatSlowlyAsync(key, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<Outcome<IBlobReader>> OpenReadAsync(BlobKey key, ByteRange expected, CancellationToken cancellationToken)
    {
        if (!_index.TryGetAndTouch(HashOf(key), out var entry) || !IsServable(entry))
            return new(StoreStatus.Missing);
        if (!entry.IsLarge && _memory.Serve(entry) is { } blob && blob.Metadata.Key == key)
            return IsExpired(blob.Metadata, entry.NamespaceId) ? new(StoreStatus.Missing) : new(Outcome<IBlobReader>.Good(blob));
        var keep = entry.IsLarge ? entry.Frequency >= HotFrequency : _memory.Knock(entry);
        try
        {
            if (TryOpenNow(key, entry, keep) is { } reader)
                return Serve(reader, entry) is { } current ? new(Outcome<IBlobReader>.Good(current)) : new(StoreStatus.Missing);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The second look says what is wrong.
        }
        return OpenSlowlyAsync(key, keep, cancellationToken);
    }

    /// <summary>Does what may wait for the disk where nobody else has to wait for it.</summary>
    internal Task<T> RunReadAsync<T>(Func<T> read, CancellationToken cancellationToken) => _reads.QueueAsync(read, cancellationToken);

    private async ValueTask<Outcome<BlobMetadata>> StatSlowlyAsync(BlobKey key, CancellationToken cancellationToken)
    {
        try
        {
            return await _reads.QueueAsync(() => FindCurrent(key), cancellationToken).ConfigureAwait(false) is { } found ? found : StoreStatus.Missing;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            LogReadFault(error, key);
            return Outcome<BlobMetadata>.Fail(StoreStatus.Unavailable, "The disk could not read it.");
        }
    }

    private async ValueTask<Outcome<IBlobReader>> OpenSlowlyAsync(BlobKey key, bool keep, CancellationToken cancellationToken)
    {
        try
        {
            return await _reads.QueueAsync(() => OpenCurrent(key, keep), cancellationToken).ConfigureAwait(false) is { } reader
                ? Outcome<IBlobReader>.Good(reader)
                : StoreStatus.Missing;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            LogReadFault(error, key);
            return Outcome<IBlobReader>.Fail(StoreStatus.Unavailable, "The disk could not read it.");
        }
    }

    /// <summary>Opens what an entry points to, if that takes no wait and it is as it should be.</summary>
    private IBlobReader? TryOpenNow(BlobKey key, in IndexEntry entry, bool keep)
    {
        if (entry.IsLarge)
            return _openFiles.Find(entry) is { } file && file.Info.Metadata.Key == key && file.TryAddUser() ? new FileBlobReader(this, file, entry, IsVerified(entry)) : null;
        var verify = keep || !IsVerified(entry);
        if (!verify && entry.Length > MemoryTier.MaxRecordLength)
            return TryOpenRecordNow(key, entry);
        if (!RecordReader.TryReadWholeNow(_segments, entry, verify, out var record))
            return null;
        return Take(key, entry, record!, verify) is { } taken ? keep ? Keep(entry, taken) : taken : null;
    }

    /// <summary>Opens what a key has, waiting for the disk where that must be.</summary>
    private IBlobReader? OpenCurrent(BlobKey key, bool keep)
    {
        var hash = HashOf(key);
        for (var look = 0; look < MaxLooks && _index.TryGet(hash, out var entry) && IsServable(entry); look++)
        {
            if (entry.IsLarge && OpenLarge(key, hash, entry) is { } large)
                return Serve(keep ? KeepOpen(entry, large) : large, entry);
            if (!entry.IsLarge && OpenSmall(key, entry, verify: keep) is { } small)
                return Serve(keep ? Keep(entry, small) : small, entry);
        }
        return null;
    }

    /// <summary>What a key has now; null also when it is too old.</summary>
    private BlobMetadata? FindCurrent(BlobKey key) => FindStored(key) is var (entry, metadata) && !IsExpired(metadata, entry.NamespaceId) && Compression.CanDecode(metadata.Coding) ? metadata : null;

    /// <summary>What is stored of a key, however old, by the record that the index points to.</summary>
    private (IndexEntry Entry, BlobMetadata Metadata)? FindStored(BlobKey key)
    {
        var hash = HashOf(key);
        for (var look = 0; look < MaxLooks && _index.TryGet(hash, out var entry) && IsServable(entry); look++)
        {
            switch (RecordReader.ReadMetadata(_segments, entry, out _, out var metadata))
            {
                case RecordVerdict.Good:
                    return metadata!.Key == key ? (entry, metadata) : null;
                case RecordVerdict.Damaged:
                    DropDamaged(key, entry, file: null);
                    break;
                default:
                    DropIfStale(entry);
                    break;
            }
        }
        return null;
    }

    /// <summary>Reads a small blob from the disk, whatever is in memory.</summary>
    private ReadRecord? OpenSmall(BlobKey key, in IndexEntry entry, bool verify = false)
    {
        verify |= !IsVerified(entry);
        switch (RecordReader.ReadWhole(_segments, entry, verify, out var record))
        {
            case RecordVerdict.Good:
                return Take(key, entry, record!, verify);
            case RecordVerdict.Damaged:
                DropDamaged(key, entry, file: null);
                return null;
            default:
                DropIfStale(entry);
                return null;
        }
    }

    /// <summary>A good record has been read: it must be of this very key, and what is known of it now is noted.</summary>
    private ReadRecord? Take(BlobKey key, in IndexEntry entry, ReadRecord record, bool isVerified)
    {
        if (record.Metadata.Key != key)
        {
            record.Dispose();
            return null;
        }
        if (isVerified)
            NoteVerified(entry);
        return record;
    }

    /// <summary>Puts a record that has just been verified into the memory tier, if it fits.</summary>
    private IBlobReader Keep(in IndexEntry entry, ReadRecord record)
    {
        if (AddToMemory(entry, record) is not { } blob)
            return record;
        // The entry may have gone while it was read. Then it can't be found here, and its room is better used.
        if (!IsCurrent(entry))
            _memory.Remove(entry.Hash);
        record.Dispose();
        return blob;
    }

    /// <summary>Keeps the file of a large blob open for the next reader.</summary>
    private FileBlobReader KeepOpen(in IndexEntry entry, FileBlobReader reader)
    {
        reader.KeepOpen(_openFiles);
        // Whoever removes the entry lets go of the file after that. One that came before the file was kept could not: the space of a removed file is free when it is closed.
        if (!IsCurrent(entry))
            _openFiles.Remove(entry.Hash);
        return reader;
    }

    /// <summary>Opens the file of a large blob, whatever is open already.</summary>
    private FileBlobReader? OpenLarge(BlobKey key, KeyHash hash, in IndexEntry entry)
    {
        var verdict = RecordReader.ReadMetadata(_segments, entry, out var header, out var metadata);
        if (verdict == RecordVerdict.Gone)
        {
            DropIfStale(entry);
            return null;
        }
        if (verdict == RecordVerdict.Damaged)
        {
            if (DropDamaged(key, entry, file: null))
                QuarantineStrayFiles(hash);
            return null;
        }
        if (metadata!.Key != key || !Compression.CanDecode(metadata.Coding))
            return null;
        var path = _layout.BlobPath(hash, header.Generation);
        IStoreFile? file = null;
        try
        {
            file = _files.Open(path, writable: false);
            if (BlobHeaderReader.Read(file, out var info) == FileVerdict.Good && info!.Metadata.Key == key)
            {
                var reader = new FileBlobReader(this, new OpenFile(entry, file, info, path), entry, IsVerified(entry));
                file = null;
                return reader;
            }
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            // Removed by hand, or deleted or evicted since the look-up: then the record says so by now, because its mark comes before the file goes.
            path = null;
            if (RecordReader.ReadMetadata(_segments, entry, out _, out _) == RecordVerdict.Gone)
            {
                DropIfStale(entry);
                return null;
            }
        }
        finally
        {
            file?.Dispose();
        }
        DropDamaged(key, entry, path);
        return null;
    }

    private bool IsCurrent(in IndexEntry entry) => _index.TryGet(entry.Hash, out var now) && now.IsAt(entry.Segment, entry.Offset);

    /// <summary>Lets go of what is kept of a blob that is no more in the index.</summary>
    private void Forget(in IndexEntry removed)
    {
        if (removed.IsLarge)
            _openFiles.Remove(removed.Hash);
        else if (removed.Length > MemoryTier.MaxRecordLength)
            _records.Remove(removed.Hash);
        else
            _memory.Remove(removed.Hash);
    }

    /// <summary>From here on nothing is served: the folder may soon be another's.</summary>
    private void CloseReading()
    {
        _readingEnded = true;
        _reads.Dispose();
        _memory.Close();
        _records.Close();
        _openFiles.Close();
    }

    [LoggerMessage(LogLevel.Error, "{Key} could not be read")]
    private partial void LogReadFault(Exception error, BlobKey key);
}
