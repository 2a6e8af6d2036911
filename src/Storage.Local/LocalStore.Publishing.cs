using EdgeCache.Storage.Local.Files;
using EdgeCache.Storage.Local.Format;
using EdgeCache.Storage.Local.Index;
using EdgeCache.Storage.Local.Segments;
using Microsoft.Extensions.Logging;

namespace EdgeCache.Storage.Local;

/// <content>How blobs come in and are deleted.</content>
public sealed partial class LocalStore
{
    private const long UnixEpochMicroseconds = 62_135_596_800_000_000;

    private long CurrentMicroseconds => _time.GetUtcNow().Ticks / TimeSpan.TicksPerMicrosecond - UnixEpochMicroseconds;

    internal long MaxBytes => _options.MaxBytes;

    internal int SmallBlobBytes => _sizes.SmallBlobBytes;

    /// <inheritdoc/>
    public async ValueTask<Outcome<IBlobWriter>> OpenWriteAsync(BlobKey key, PutOptions options, CancellationToken cancellationToken)
    {
        if (key.IsDefault)
            throw new ArgumentException("The default key names no blob.", nameof(key));
        if (options.ExpectedLength > options.MaxLength)
            return StoreStatus.TooLarge;
        var draft = Draft(key, options);
        BlobHeader.Check(draft);
        if (options.ExpectedLength > _options.MaxBytes || (options.ExpectedLength is { } length && LocalBlobWriter.SpaceFor(BlobHeader.Measure(draft), length) > _options.MaxBytes))
            return Outcome<IBlobWriter>.Fail(StoreStatus.NoSpace, $"It has {options.ExpectedLength} bytes; the whole store has {_options.MaxBytes}.");
        if (CheckQuota(draft, options.ExpectedLength) is { } refusal)
            return refusal;
        if (!TryAddWriter())
            return Outcome<IBlobWriter>.Fail(StoreStatus.Unavailable, "The store is closing.");
        LocalBlobWriter? writer = null;
        try
        {
            var status = await ForeseeAsync(key, options, cancellationToken).ConfigureAwait(false);
            if (status != StoreStatus.Ok)
                return status;
            writer = new LocalBlobWriter(this, draft, options);
            return writer;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            LogReadFault(error, key);
            return Outcome<IBlobWriter>.Fail(StoreStatus.Unavailable, "The disk could not read what is there.");
        }
        finally
        {
            if (writer is null)
                RemoveWriter();
        }
    }

    /// <inheritdoc/>
    public async ValueTask<Outcome<BlobMetadata>> DeleteAsync(BlobKey key, BlobCondition? condition, CancellationToken cancellationToken)
    {
        if (!TryAddWriter())
            return Outcome<BlobMetadata>.Fail(StoreStatus.Unavailable, "The store is closing.");
        try
        {
            using var held = await _keyLocks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
            var current = FindIntact(key);
            if (condition?.Holds(current?.Metadata) == false)
                return StoreStatus.PreconditionFailed;
            _generations.Advance(key);
            if (current is not { } found)
            {
                await _disk.RunAsync(() => RemoveExpired(key)).ConfigureAwait(false);
                // It may be missing because of a mark that is not durable yet: "missing" is an answer that a crash must not take back.
                await _disk.RunAsync(SyncAllMarks).ConfigureAwait(false);
                return StoreStatus.Missing;
            }
            await _disk.RunAsync(() => Remove(found.Entry)).ConfigureAwait(false);
            _generations.Advance(key);
            return found.Metadata;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            OnWriteFault(error);
            return Outcome<BlobMetadata>.Fail(StoreStatus.Unavailable, "The disk could not make the removal durable.");
        }
        finally
        {
            RemoveWriter();
        }
    }

    internal string NewTemporaryPath() => _layout.NewTemporaryPath();

    internal IStoreFile CreateFile(string path) => _files.Create(path);

    /// <summary>Reserves disk space for a writer that has some already, having eviction make room when the store is full.</summary>
    internal async ValueTask<StoreStatus> ReserveAsync(long bytes, long held, CancellationToken cancellationToken)
    {
        if (held + bytes > _options.MaxBytes)
            return StoreStatus.NoSpace;
        var answer = _space.TryReserve(bytes);
        while (answer == SpaceAccount.Answer.StoreFull)
        {
            // A pass that was running already may have ended too early for this writer, and others may take what it freed.
            if (!await _reclaimer.MakeRoomAsync(bytes, cancellationToken).ConfigureAwait(false))
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
                _files.Delete(temporary);
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
        if (error is IOException io && Disk.Posix.IsNoSpace(io.InnerException as IOException ?? io))
            return StoreStatus.NoSpace;
        LogWriteFault(error);
        _probe.Report($"The last write failed: {error.Message}");
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
            if (current is { } same && IsSame(same.Metadata, metadata, options.Replace))
            {
                // What is in the index has been synced, under this lock or at the start, so this acknowledgement is as good as the first.
                return new PutReceipt(PutEffect.Unchanged, same.Metadata, StoredWhere.Local);
            }
            if (current is not null && !options.Replace)
                return StoreStatus.Exists;
            var next = metadata with { Generation = NextGeneration() };
            _generations.Advance(next.Key);
            var entry = await StoreAsync(writer, next).ConfigureAwait(false);
            // Once more: a fill that began since the first time may have seen the old state, and holds the stamp of the new one.
            _generations.Advance(next.Key);
            _probe.Clear();
            _reclaimer.Check();
            return new PutReceipt(current is null ? PutEffect.Created : PutEffect.Replaced, next, StoredWhere.Local);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return Outcome<PutReceipt>.Fail(OnWriteFault(error), "The disk could not store it.");
        }
    }

    private async Task<IndexEntry> StoreAsync(LocalBlobWriter writer, BlobMetadata metadata)
    {
        var hash = HashOf(metadata.Key);
        var queue = _ghosts.Take(hash) ? SegmentClass.Main : SegmentClass.Probation;
        var entry = writer.IsSmall
            ? await StoreSmallAsync(writer, metadata, hash, queue).ConfigureAwait(false)
            : await StoreLargeAsync(writer, metadata, hash, queue).ConfigureAwait(false);
        Supersede(_index.Set(entry), entry);
        return entry;
    }

    private async Task<IndexEntry> StoreSmallAsync(LocalBlobWriter writer, BlobMetadata metadata, KeyHash hash, SegmentClass queue)
    {
        var record = writer.FinishRecord(metadata, hash);
        var location = await _log.AppendAsync(queue, record).ConfigureAwait(false);
        _space.Settle(writer.TakeReservation(), record.Length);
        return IndexEntry.Small(hash, location.Segment, location.Offset, record.Length, _namespaces.IdOf(metadata.Key.Namespace), metadata.Created);
    }

    private async Task<IndexEntry> StoreLargeAsync(LocalBlobWriter writer, BlobMetadata metadata, KeyHash hash, SegmentClass queue)
    {
        var (temporary, allocated) = await _disk.RunAsync(() => writer.FinishFile(metadata)).ConfigureAwait(false);
        var path = _layout.BlobPath(hash, metadata.Generation);
        var record = LargeRecord(metadata, hash);
        try
        {
            await _disk.RunAsync(() => GiveName(writer, temporary, path)).ConfigureAwait(false);
            var location = await _log.AppendAsync(queue, record, allocated).ConfigureAwait(false);
            _space.Settle(writer.TakeReservation(), allocated + record.Length);
            return IndexEntry.Large(hash, location.Segment, location.Offset, allocated, _namespaces.IdOf(metadata.Key.Namespace), metadata.Created);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Not acknowledged. What the key had is still what it has; should the record have got into the log, it finds no file.
            if (writer.IsPublished)
                _files.Delete(path);
            throw;
        }
    }

    private bool GiveName(LocalBlobWriter writer, string temporary, string path)
    {
        try
        {
            _files.Rename(temporary, path);
        }
        catch (DirectoryNotFoundException)
        {
            // Removed by hand.
            _layout.Create();
            _files.Rename(temporary, path);
        }
        writer.Published();
        _files.SyncFolder(Path.GetDirectoryName(path)!);
        return true;
    }

    private static byte[] LargeRecord(BlobMetadata metadata, KeyHash hash)
    {
        var header = BlobHeader.Measure(metadata);
        var record = new byte[RecordFormat.LengthFor(header)];
        RecordFormat.Write(record, RecordKind.LargeBlob, record.Length, hash, metadata.Generation);
        BlobHeader.Write(record.AsSpan(RecordFormat.HeaderLength, header), metadata, BlobTrailer.Measure(BlobTrailer.BlocksOf(metadata.Length)));
        return record;
    }

    /// <summary>
    /// What the new entry replaces is marked dead, and its file removed. Until the mark is synced, the generation of the
    /// new record says the same; the new record's segment does not go before it is.
    /// </summary>
    private void Supersede(IndexEntry? replaced, in IndexEntry entry)
    {
        _segments.Find(entry.Segment)?.AddLive(entry.Bytes);
        if (replaced is not { } old)
            return;
        // The file's removal need not be durable: one that comes back after a crash has no record that stands for it, and is removed at the next start.
        var file = PathOfFile(old);
        MarkDead(old);
        Release(old);
        if (file is not null)
            _files.Delete(file);
    }

    /// <summary>The file of a large blob; null for a small one, or where the record can't say.</summary>
    private string? PathOfFile(in IndexEntry entry) =>
        entry.IsLarge && RecordReader.ReadMetadata(_segments, entry, out var header, out _) == RecordVerdict.Good ? _layout.BlobPath(entry.Hash, header.Generation) : null;

    private void MarkDead(in IndexEntry entry)
    {
        try
        {
            _segments.Find(entry.Segment)?.MarkDead(entry.ByteOffset);
        }
        catch (ObjectDisposedException)
        {
            // Reclaimed in this instant: there is nothing left to mark.
        }
    }

    private void MarkDeadForGood(in IndexEntry entry)
    {
        MarkDead(entry);
        try
        {
            _segments.Find(entry.Segment)?.SyncMarks();
        }
        catch (ObjectDisposedException)
        {
            // Its segment has been removed for good in this instant.
        }
    }

    private bool SyncAllMarks()
    {
        _segments.SyncAllMarks();
        return true;
    }

    /// <summary>Deletes for good: the synced mark is the deletion.</summary>
    private bool Remove(IndexEntry entry)
    {
        var file = PathOfFile(entry);
        // A write of this key that failed may have left a record that says it is newer than the one that is marked now.
        _segments.EraseStrays();
        MarkDeadForGood(entry);
        if (file is not null)
            _files.Delete(file);
        if (_index.Remove(entry.Hash, entry.Segment, entry.Offset, out var removed))
            Release(removed);
        return true;
    }

    /// <summary>What the commit would say already now.</summary>
    private async ValueTask<StoreStatus> ForeseeAsync(BlobKey key, PutOptions options, CancellationToken cancellationToken)
    {
        if (options.Condition is null && (options.Replace || options.ExpectedSha256 is null))
            return StoreStatus.Ok;
        using var held = await _keyLocks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        var current = FindIntact(key)?.Metadata;
        if (options.Condition?.Holds(current) == false)
            return StoreStatus.PreconditionFailed;
        return !options.Replace && current is not null && options.ExpectedSha256 is { } digest && digest != current.Sha256 ? StoreStatus.Exists : StoreStatus.Ok;
    }

    /// <summary>
    /// What the key has, if it is there and whole. To be called under the key's lock, before something depends on it: an equal write is acknowledged without
    /// being stored, so what is there must really be there.
    /// </summary>
    private (IndexEntry Entry, BlobMetadata Metadata)? FindIntact(BlobKey key)
    {
        var hash = HashOf(key);
        if (!_index.TryGet(hash, out var entry))
            return null;
        if (entry.IsLarge)
        {
            using var large = OpenLarge(key, hash, entry);
            return large is null || IsExpired(large.Metadata, entry.NamespaceId) ? null : (entry, large.Metadata);
        }
        using var small = OpenSmall(key, entry);
        return small is null || IsExpired(small.Metadata, entry.NamespaceId) ? null : (entry, small.Metadata);
    }

    private BlobMetadata Draft(BlobKey key, PutOptions options) => new()
    {
        Key = key,
        Length = 0,
        Sha256 = default,
        PayloadLength = 0,
        PayloadSha256 = default,
        Created = options.Created ?? DateTimeOffset.FromUnixTimeMilliseconds(Now),
        Generation = 0,
        ContentType = options.ContentType,
        Writer = options.Writer,
        Tags = options.Tags,
        StoredHeaders = options.StoredHeaders,
        FarValidator = options.FarValidator,
        UnknownFields = options.UnknownFields,
    };

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
            var next = Math.Max(last + 1, CurrentMicroseconds);
            if (Interlocked.CompareExchange(ref _generation, next, last) == last)
                return next;
        }
    }

    /// <summary>What is written from now on is newer than this.</summary>
    private void RaiseGeneration(long generation)
    {
        while (Volatile.Read(ref _generation) is var last && last < generation)
            Interlocked.CompareExchange(ref _generation, generation, last);
    }

    [LoggerMessage(LogLevel.Error, "The disk refused a write")]
    private partial void LogWriteFault(Exception error);
}
