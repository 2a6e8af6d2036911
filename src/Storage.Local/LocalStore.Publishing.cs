using EdgeCache.Storage.Local.Format;
using EdgeCache.Storage.Local.Index;
using EdgeCache.Storage.Local.Segments;

namespace EdgeCache.Storage.Local;

/// <content>How blobs come in.</content>
public sealed partial class LocalStore
{
    private const long UnixEpochMicroseconds = 62_135_596_800_000_000;

    private long CurrentMicroseconds => _time.GetUtcNow().Ticks / TimeSpan.TicksPerMicrosecond - UnixEpochMicroseconds;

    /// <summary>Makes a finished blob durable and visible, if what the key has now allows it.</summary>
    private async ValueTask<Outcome<PutReceipt>> PublishAsync(LocalBlobWriter writer, BlobMetadata metadata, PutOptions options, QuotaHold? hold, CancellationToken cancellationToken)
    {
        NamedFile? file = null;
        try
        {
            if (!await IsKnownAsync(metadata.Key, options, cancellationToken).ConfigureAwait(false))
                return Outcome<PutReceipt>.Fail(StoreStatus.Unavailable, NotYetKnown);
            if (writer.Rewritten is null)
                await VerifyEqualAsync(metadata, cancellationToken).ConfigureAwait(false);
            if (!writer.IsSmall)
            {
                using (await _keyLocks.EnterAsync(metadata.Key, cancellationToken).ConfigureAwait(false))
                {
                    if (Judge(writer, metadata, options, out _, out _) is { } early)
                        return early;
                }
                file = new NamedFile(this, writer, metadata);
                await file.BringToDiskAsync().ConfigureAwait(false);
                // What the file takes is the file system's to say, and may be more than its length.
                if (hold is not null && !await hold.TryHoldAsync(file.AllocatedBytes, cancellationToken).ConfigureAwait(false))
                    return Outcome<PutReceipt>.Fail(StoreStatus.NoSpace, NoRoomWithin(metadata.Key));
                // From here on nobody can cancel: the writer has given its file away.
                cancellationToken = CancellationToken.None;
            }
            using var held = await _keyLocks.EnterAsync(metadata.Key, cancellationToken).ConfigureAwait(false);
            return Judge(writer, metadata, options, out var entry, out var current)
                ?? await StoreAsync(writer, metadata, file, entry, current is null ? PutEffect.Created : PutEffect.Replaced).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return Outcome<PutReceipt>.Fail(OnWriteFault(error), "The disk could not store it.");
        }
        finally
        {
            file?.Dispose();
        }
    }

    /// <summary>The answer to a write for which nothing has to be stored; null when it is to be stored. To be called under the key's lock.</summary>
    private Outcome<PutReceipt>? Judge(LocalBlobWriter writer, BlobMetadata metadata, PutOptions options, out IndexEntry entry, out BlobMetadata? current)
    {
        (entry, current) = (default, null);
        if (writer.Rewritten is { } source)
            return JudgeRewrite(source, out entry, out current);
        if (options.IfGeneration is { } stamp && stamp != _generations.Get(metadata.Key))
            return StoreStatus.Superseded;
        if (FindIntact(metadata.Key) is var (found, has))
            (entry, current) = (found, has);
        if (options.Condition?.Holds(current) == false)
            return StoreStatus.PreconditionFailed;
        if (current is not null && IsSame(current, metadata, options.Replace))
        {
            // What is in the index has been synced, under this lock or at the start, so this acknowledgement is as good as the first.
            return new PutReceipt(PutEffect.Unchanged, current, StoredWhere.Local);
        }
        return current is not null && !options.Replace ? StoreStatus.Exists : null;
    }

    private async Task<Outcome<PutReceipt>> StoreAsync(LocalBlobWriter writer, BlobMetadata metadata, NamedFile? file, IndexEntry current, PutEffect effect)
    {
        if (file is { IsOvertaken: true })
            await file.BringToDiskAsync().ConfigureAwait(false);
        var next = metadata with { Generation = file?.Generation ?? NextGeneration() };
        _generations.Advance(next.Key);
        var hash = HashOf(next.Key);
        // A blob in another form is worth as much as it was.
        var isMain = writer.Rewritten is null ? _ghosts.Take(hash) : _segments.Find(current.Segment)?.Class == SegmentClass.Main;
        var queue = isMain ? SegmentClass.Main : SegmentClass.Probation;
        var entry = file is null
            ? await StoreSmallAsync(writer, next, hash, queue).ConfigureAwait(false)
            : await StoreLargeAsync(writer, next, hash, queue, file).ConfigureAwait(false);
        if (writer.Rewritten is not null)
            entry.Frequency = current.Frequency;
        Supersede(_index.Set(entry), entry);
        // Once more: a fill that began since the first time may have seen the old state, and holds the stamp of the new one.
        _generations.Advance(next.Key);
        _probe.Clear();
        _reclaimer.Check();
        return new PutReceipt(effect, next, StoredWhere.Local);
    }

    private async Task<IndexEntry> StoreSmallAsync(LocalBlobWriter writer, BlobMetadata metadata, KeyHash hash, SegmentClass queue)
    {
        var record = writer.FinishRecord(metadata, hash);
        var location = await _log.AppendAsync(queue, record).ConfigureAwait(false);
        _space.Settle(writer.TakeReservation(), record.Length);
        return IndexEntry.Small(hash, location.Segment, location.Offset, record.Length, _namespaces.IdOf(metadata.Key.Namespace), metadata.Created);
    }

    /// <summary>Appends the record of a blob whose file has its name. Where that fails, the key still has what it had: should the record have got into the log, it finds no file.</summary>
    private async Task<IndexEntry> StoreLargeAsync(LocalBlobWriter writer, BlobMetadata metadata, KeyHash hash, SegmentClass queue, NamedFile file)
    {
        var record = LargeRecord(metadata, hash);
        var location = await _log.AppendAsync(queue, record, file.AllocatedBytes).ConfigureAwait(false);
        file.Keep();
        _space.Settle(writer.TakeReservation(), file.AllocatedBytes + record.Length);
        return IndexEntry.Large(hash, location.Segment, location.Offset, file.AllocatedBytes, _namespaces.IdOf(metadata.Key.Namespace), metadata.Created);
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

    /// <summary>
    /// What the key has, if it is there and whole. To be called under the key's lock, before something depends on it: an equal write is acknowledged without
    /// being stored, so what is there must really be there.
    /// </summary>
    private (IndexEntry Entry, BlobMetadata Metadata)? FindIntact(BlobKey key)
    {
        var hash = HashOf(key);
        if (!_index.TryGet(hash, out var entry) || !IsServable(entry))
            return null;
        if (entry.IsLarge)
        {
            using var large = OpenLarge(key, hash, entry);
            return large is null || IsExpired(large.Metadata, entry.NamespaceId) ? null : (entry, large.Metadata);
        }
        using var small = OpenSmall(key, entry);
        return small is null || IsExpired(small.Metadata, entry.NamespaceId) || !Compression.CanDecode(small.Metadata.Coding) ? null : (entry, small.Metadata);
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
}
