using System.Collections.Concurrent;
using System.Globalization;
using EdgeCache.Storage.Local.Files;
using EdgeCache.Storage.Local.Format;

namespace EdgeCache.Storage.Local.Segments;

/// <summary>All segments of a store, by id. Ids grow; the larger is the younger.</summary>
/// <remarks>Finding a segment takes no lock. Creating and removing is done by one thread at a time: the log writer creates, the reclaimer removes.</remarks>
internal sealed class SegmentSet(string folder, IFileSystem files, HashSecret secret) : IDisposable
{
    private const string Extension = ".seg";
    private readonly ConcurrentDictionary<uint, Segment> _segments = new();
    private uint _lastId;

    public int Count => _segments.Count;

    /// <summary>The largest id that was ever given.</summary>
    public uint LastId => Volatile.Read(ref _lastId);

    public Segment? Find(uint id) => _segments.GetValueOrDefault(id);

    /// <summary>The segments at this moment, oldest first.</summary>
    public List<Segment> List() => [.. _segments.Values.OrderBy(s => s.Id)];

    /// <summary>Makes the next segment; durable with its name when this returns.</summary>
    /// <param name="queue">Its queue.</param>
    /// <param name="place">Its place in the queue; null for the end.</param>
    public Segment Create(SegmentClass queue, uint? place = null)
    {
        var id = ++_lastId;
        var path = PathOf(id);
        var file = files.Create(path);
        try
        {
            Segment.WriteHeader(file, id, queue, place ?? id, secret);
            file.Sync();
            files.SyncFolder(folder);
        }
        catch
        {
            file.Dispose();
            files.Delete(path);
            throw;
        }
        return _segments[id] = new Segment(id, queue, place ?? id, file, Segment.HeaderLength);
    }

    /// <summary>Opens what is in the folder. A file that never got its header is removed; one that is not ours is left alone, and its name not used again.</summary>
    /// <param name="lastId">The largest id that was ever given, as far as the snapshot knows.</param>
    /// <returns>How many files were left alone.</returns>
    public int Open(uint lastId)
    {
        var leftAlone = 0;
        _lastId = lastId;
        foreach (var name in files.List(folder))
        {
            if (!name.EndsWith(Extension, StringComparison.Ordinal) || !uint.TryParse(name.AsSpan(0, name.Length - Extension.Length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var named))
            {
                leftAlone++;
                continue;
            }
            _lastId = Math.Max(_lastId, named);
            leftAlone += OpenOne(named) ? 0 : 1;
        }
        return leftAlone;
    }

    /// <summary>Removes a segment for good, once the marks that its records stood for are durable everywhere else.</summary>
    public void Remove(Segment segment)
    {
        // Its own too: should the sync of the folder fail, its name may come back, and by then its copied records may have been deleted elsewhere.
        SyncAllMarks();
        files.Delete(PathOf(segment.Id));
        files.SyncFolder(folder);
        // Open until here: a deletion that is on its way may still mark and sync its record, and need not know.
        _segments.TryRemove(segment.Id, out _);
        segment.Dispose();
    }

    /// <summary>What an earlier process wrote is appended to no more.</summary>
    private static Segment Sealed(Segment segment)
    {
        segment.Seal();
        return segment;
    }

    /// <summary>
    /// Removes a segment that never had anything in it that was acknowledged, so no mark stands for it. What a failed write has left in it must not come back with its name after a crash, when it has
    /// perhaps been deleted since: it is erased first, or where that can't be done, the removal is made durable.
    /// </summary>
    public void Discard(Segment segment)
    {
        var isErased = TryErase(segment);
        files.Delete(PathOf(segment.Id));
        if (!isErased)
            files.SyncFolder(folder);
        _segments.TryRemove(segment.Id, out _);
        segment.Dispose();
    }

    private static bool TryErase(Segment segment)
    {
        try
        {
            segment.SyncMarks();
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Erases what failed writes may have left, so that no restart finds it.</summary>
    public void EraseStrays()
    {
        foreach (var segment in _segments.Values)
        {
            if (segment.HasStrays)
                SyncMarks(segment);
        }
    }

    /// <summary>Makes every mark durable.</summary>
    public void SyncAllMarks()
    {
        foreach (var segment in _segments.Values)
            SyncMarks(segment);
    }

    private static void SyncMarks(Segment segment)
    {
        try
        {
            segment.SyncMarks();
        }
        catch (ObjectDisposedException)
        {
            // Removed for good in this instant.
        }
    }

    public void Dispose()
    {
        foreach (var segment in _segments.Values)
            segment.Dispose();
    }

    /// <summary>The secret of the key hash in a folder that lost its marker; null when it has no segment that could say it.</summary>
    public static HashSecret? FindSecret(string folder, IFileSystem files)
    {
        foreach (var name in files.List(folder).Where(n => n.EndsWith(Extension, StringComparison.Ordinal)))
        {
            using var file = files.Open(Path.Combine(folder, name), writable: false);
            if (Segment.ReadHeader(file, out _, out _, out _, out var secret) == FileVerdict.Good)
                return secret;
        }
        return null;
    }

    private bool OpenOne(uint id)
    {
        var path = PathOf(id);
        var file = files.Open(path, writable: true);
        var isKept = false;
        try
        {
            var verdict = Segment.ReadHeader(file, out var written, out var queue, out var place, out var writtenSecret);
            if (verdict == FileVerdict.Good && written == id && writtenSecret == secret)
            {
                _segments[id] = Sealed(new Segment(id, queue, place, file, file.Length));
                isKept = true;
            }
            else if (verdict == FileVerdict.Damaged && file.Length > Segment.HeaderLength)
            {
                // The header was synced before anything came behind it, so it was damaged later, and the records need not be.
                _segments[id] = Sealed(new Segment(id, SegmentClass.Probation, id, file, file.Length) { IsClassKnown = false });
                isKept = true;
            }
            if (isKept || verdict != FileVerdict.Damaged)
                return isKept;
        }
        finally
        {
            if (!isKept)
                file.Dispose();
        }
        files.Delete(path);
        return true;
    }

    private string PathOf(uint id) => Path.Combine(folder, id.ToString("x8", CultureInfo.InvariantCulture) + Extension);
}
