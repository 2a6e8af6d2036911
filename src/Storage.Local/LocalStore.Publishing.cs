using EdgeCache.Storage.Local.Disk;
using Microsoft.Extensions.Logging;

namespace EdgeCache.Storage.Local;

/// <content>How blobs get their names and lose them.</content>
public sealed partial class LocalStore
{
    /// <summary>How often a writer waits for an eviction pass before it gives up.</summary>
    private const int MaxPasses = 4;

    private const long UnixEpochMicroseconds = 62_135_596_800_000_000;

    internal long MaxBytes => _options.MaxBytes;

    internal string NewTemporaryPath() => _layout.NewTemporaryPath();

    /// <summary>Reserves disk space for a writer that has some already, having eviction make room when the store is full.</summary>
    internal async ValueTask<StoreStatus> ReserveAsync(long bytes, long held, CancellationToken cancellationToken)
    {
        if (held + bytes > _options.MaxBytes)
            return StoreStatus.NoSpace;
        var answer = _space.TryReserve(bytes);
        for (var pass = 0; pass < MaxPasses && answer == SpaceAccount.Answer.StoreFull; pass++)
        {
            // A pass that was running already may have ended too early for this writer, and others may take what it freed.
            if (!await _evictor.MakeRoomAsync(bytes, cancellationToken).ConfigureAwait(false))
                break;
            answer = _space.TryReserve(bytes);
        }
        return answer == SpaceAccount.Answer.Granted ? StoreStatus.Ok : StoreStatus.NoSpace;
    }

    /// <summary>A writer is done: gives back what it reserved, and removes its file if that was not published.</summary>
    internal void Close(string? temporary, long reserved)
    {
        try
        {
            if (temporary is not null)
                File.Delete(temporary);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The next start removes it; the writer's own outcome must not be masked by this.
            LogWriteFault(error);
        }
        _space.Release(reserved);
        RemoveWriter();
    }

    /// <summary>Notes that the disk refused a write, and says what that means for the writer.</summary>
    internal StoreStatus OnWriteFault(Exception error)
    {
        if (error is IOException io && Posix.IsNoSpace(io))
            return StoreStatus.NoSpace;
        LogWriteFault(error);
        _fault = $"The last write failed: {error.Message}";
        return StoreStatus.Unavailable;
    }

    /// <summary>Makes a finished blob durable and visible, if what the key has now allows it.</summary>
    internal async ValueTask<Outcome<PutReceipt>> PublishAsync(LocalBlobWriter writer, BlobMetadata metadata, PutOptions options, CancellationToken cancellationToken)
    {
        using var held = await _keyLocks.EnterAsync(metadata.Key, cancellationToken).ConfigureAwait(false);
        try
        {
            if (options.IfGeneration is { } stamp && stamp != _generations.Get(metadata.Key))
                return StoreStatus.Superseded;
            var current = FindIntact(metadata.Key);
            if (options.Condition?.Holds(current?.Metadata) == false)
                return StoreStatus.PreconditionFailed;
            if (current is not null && IsSame(current.Metadata, metadata, options.Replace))
            {
                // What is in the catalog has been synced, under this lock or at the start, so this acknowledgement is as good as the first.
                current.Touch(Now);
                return new PutReceipt(PutEffect.Unchanged, current.Metadata, StoredWhere.Local);
            }
            if (current is not null && !options.Replace)
                return StoreStatus.Exists;
            var entry = await _disk.RunAsync(() => Store(writer, metadata with { Generation = NextGeneration() })).ConfigureAwait(false);
            _fault = null;
            _evictor.Check();
            return new PutReceipt(current is null ? PutEffect.Created : PutEffect.Replaced, entry.Metadata, StoredWhere.Local);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return Outcome<PutReceipt>.Fail(OnWriteFault(error), "The disk could not store it.");
        }
    }

    /// <summary>Sync the data, give it its name, sync the name. Runs under the key's lock, on a disk thread.</summary>
    private CatalogEntry Store(LocalBlobWriter writer, BlobMetadata metadata)
    {
        var (temporary, headerLength, allocated) = writer.Finish(metadata);
        var path = PathOf(metadata.Key);
        _generations.Advance(metadata.Key);
        Rename(temporary, path);
        writer.Published();
        var entry = new CatalogEntry(metadata, headerLength, allocated, Now);
        try
        {
            Posix.SyncFolder(Path.GetDirectoryName(path)!);
        }
        catch (IOException)
        {
            // The new name may or may not survive, and what it replaced is gone. Not acknowledged, so it must not be served as if it were.
            Forget(metadata.Key);
            File.Delete(path);
            throw;
        }
        _catalog.Set(entry);
        // Once more: a fill that began since the first time may have seen the old state, and holds the stamp of the new one.
        _generations.Advance(metadata.Key);
        _space.Release(writer.TakeReservation());
        return entry;
    }

    private void Rename(string temporary, string path)
    {
        try
        {
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            // Somebody has emptied the store by removing its folders.
            _layout.Create();
            File.Move(temporary, path, overwrite: true);
        }
    }

    /// <summary>Removes a blob's file, then its entry: while the file takes space it is accounted for.</summary>
    private bool Unlink(CatalogEntry entry)
    {
        try
        {
            File.Delete(PathOf(entry.Metadata.Key));
        }
        catch (DirectoryNotFoundException)
        {
            // Gone with its folder.
        }
        _catalog.Remove(entry);
        return true;
    }

    /// <summary>Makes the removal of a key's file durable, whoever removed it: eviction does not wait for that.</summary>
    private bool SyncRemoval(BlobKey key)
    {
        var folder = Path.GetDirectoryName(PathOf(key))!;
        if (Directory.Exists(folder))
            Posix.SyncFolder(folder);
        return true;
    }

    private async ValueTask EvictAsync(CatalogEntry entry)
    {
        using var held = await _keyLocks.EnterAsync(entry.Metadata.Key, CancellationToken.None).ConfigureAwait(false);
        if (_catalog.Find(entry.Metadata.Key) == entry)
            await _disk.RunAsync(() => Unlink(entry)).ConfigureAwait(false);
    }

    private void Forget(BlobKey key)
    {
        if (_catalog.Find(key) is { } entry)
            _catalog.Remove(entry);
    }

    /// <summary>
    /// Whether storing would change nothing. A replaceable blob is also compared in what its next reader would see besides the bytes.
    /// </summary>
    private static bool IsSame(BlobMetadata current, BlobMetadata next, bool replace) =>
        current.Sha256 == next.Sha256 && (!replace
            || (current.ContentType == next.ContentType && current.StoredHeaders.SequenceEqual(next.StoredHeaders)
                && current.Tags.SequenceEqual(next.Tags, StringComparer.Ordinal) && current.FarValidator == next.FarValidator));

    /// <summary>One more than the last, or the time in microseconds if that is more: it grows across restarts without being written anywhere.</summary>
    private long NextGeneration()
    {
        while (true)
        {
            var last = Volatile.Read(ref _generation);
            var next = Math.Max(last + 1, _time.GetUtcNow().Ticks / TimeSpan.TicksPerMicrosecond - UnixEpochMicroseconds);
            if (Interlocked.CompareExchange(ref _generation, next, last) == last)
                return next;
        }
    }

    private bool TryAddWriter()
    {
        while (true)
        {
            var count = Volatile.Read(ref _writers);
            if (count == 0 || _closing)
                return false;
            if (Interlocked.CompareExchange(ref _writers, count + 1, count) == count)
                return true;
        }
    }

    private void RemoveWriter()
    {
        if (Interlocked.Decrement(ref _writers) == 0)
            _lastWriterGone.SetResult();
    }

    [LoggerMessage(LogLevel.Error, "The disk refused a write")]
    private partial void LogWriteFault(Exception error);
}
