using System.Buffers.Binary;
using EdgeCache.Storage.Local.Files;
using EdgeCache.Storage.Local.Format;

namespace EdgeCache.Storage.Local.Segments;

/// <summary>Which queue of the eviction a segment belongs to.</summary>
internal enum SegmentClass : byte
{
    /// <summary>Blobs that have come in and were not asked for since.</summary>
    Probation = 0,

    /// <summary>Blobs that were asked for while on probation, or came back soon after they had been evicted.</summary>
    Main = 1,
}

/// <summary>
/// One file of the log. Its owner, the log writer, appends to it; afterwards only the live byte of a record changes. The file begins with:
/// <code>
///  0  8  "EDGESEGM"
///  8  2  version, 1
/// 10  1  class
/// 11  1  zero
/// 12  4  id
/// 16  4  CRC-32C of the header, with zero here
/// 20 16  secret of the key hash, so that a store that lost its marker finds its blobs again
/// 36  4  place in the queue, if it has not that of its id but an earlier one: the id of which; else zero
/// 40  8  zero
/// </code>
/// </summary>
internal sealed class Segment(uint id, SegmentClass queue, uint place, IStoreFile file, long length) : IDisposable
{
    public const int HeaderLength = 48;
    private const ushort Version = 1;
    private const int ChecksumOffset = 16;
    private const int SecretOffset = 20;
    private const int PlaceOffset = 36;

    private long _length = length;
    private long _liveBytes;
    private bool _sealed;

    // In this order. The first is held for a whole sync, so that who finds nothing left to sync knows that it has been done; the second for an instant.
    private readonly Lock _syncing = new();
    private readonly Lock _changes = new();
    private readonly List<long> _unsyncedMarks = [];
    private readonly List<long> _strays = [];
    private bool _isUnsure;

    // The set's own use is the first. At 0 the file is closed for good.
    private int _users = 1;
    private int _isDisposed;

    public uint Id { get; } = id;

    /// <summary>Its queue. A segment that is kept as it is moves to the main queue in memory alone; after a restart it is where it was written.</summary>
    public SegmentClass Class { get; private set; } = queue;

    /// <summary>False where the header that says the class is damaged.</summary>
    public bool IsClassKnown { get; init; } = true;

    /// <summary>Its place in the queue: the smallest is next to be emptied.</summary>
    public long Rank { get; private set; } = place;

    public IStoreFile File { get; } = file;

    /// <summary>Where the next record goes; everything before it is synced.</summary>
    public long Length
    {
        get => Volatile.Read(ref _length);
        set => Volatile.Write(ref _length, value);
    }

    /// <summary>Bytes of records that are not superseded, and of the files that such records stand for. An estimate: it steers the reclaiming and nothing else.</summary>
    public long LiveBytes => Volatile.Read(ref _liveBytes);

    private static ReadOnlySpan<byte> Magic => "EDGESEGM"u8;

    /// <summary>Writes the header of a new file.</summary>
    public static void WriteHeader(IStoreFile file, uint id, SegmentClass queue, uint place, HashSecret secret)
    {
        Span<byte> header = stackalloc byte[HeaderLength];
        header.Clear();
        Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt16LittleEndian(header[8..], Version);
        header[10] = (byte)queue;
        BinaryPrimitives.WriteUInt32LittleEndian(header[12..], id);
        secret.CopyTo(header[SecretOffset..]);
        BinaryPrimitives.WriteUInt32LittleEndian(header[PlaceOffset..], place == id ? 0 : place);
        BinaryPrimitives.WriteUInt32LittleEndian(header[ChecksumOffset..], Crc32C.Of(header));
        file.Write(0, header);
    }

    /// <summary>Reads the header of a file; Foreign and Newer files are left alone, a Damaged one never got its header to disk.</summary>
    public static FileVerdict ReadHeader(IStoreFile file, out uint id, out SegmentClass queue, out uint place, out HashSecret secret)
    {
        Span<byte> header = stackalloc byte[HeaderLength];
        id = 0;
        queue = default;
        place = 0;
        secret = default;
        header.Clear();
        var read = file.Read(0, header);
        var start = Math.Min(read, Magic.Length);
        if (!header[..start].SequenceEqual(Magic[..start]))
            return header.ContainsAnyExcept((byte)0) ? FileVerdict.Foreign : FileVerdict.Damaged;
        if (read < HeaderLength)
            return FileVerdict.Damaged;
        if (BinaryPrimitives.ReadUInt16LittleEndian(header[8..]) > Version)
            return FileVerdict.Newer;
        var checksum = BinaryPrimitives.ReadUInt32LittleEndian(header[ChecksumOffset..]);
        BinaryPrimitives.WriteUInt32LittleEndian(header[ChecksumOffset..], 0);
        if (Crc32C.Of(header) != checksum || header[10] > (byte)SegmentClass.Main)
            return FileVerdict.Damaged;
        id = BinaryPrimitives.ReadUInt32LittleEndian(header[12..]);
        queue = (SegmentClass)header[10];
        place = BinaryPrimitives.ReadUInt32LittleEndian(header[PlaceOffset..]);
        place = place == 0 ? id : place;
        secret = HashSecret.FromBytes(header[SecretOffset..]);
        return FileVerdict.Good;
    }

    /// <summary>Goes to the end of the main queue. Called by the reclaimer alone.</summary>
    public void Stay(long rank)
    {
        Class = SegmentClass.Main;
        Rank = rank;
    }

    /// <summary>Bytes of all records, and of the files that they stand for: what emptying the segment is about. Written by the log writer alone.</summary>
    public long Weight { get; set; }

    /// <summary>Whether nothing more is appended. What is sealed stays so.</summary>
    public bool IsSealed => Volatile.Read(ref _sealed);

    public void Seal() => Volatile.Write(ref _sealed, true);

    public void AddLive(long bytes) => Interlocked.Add(ref _liveBytes, bytes);

    /// <summary>Marks a record as superseded. Not durable until <see cref="SyncMarks"/>, which comes before any segment is removed.</summary>
    public void MarkDead(long offset)
    {
        lock (_changes)
        {
            _unsyncedMarks.Add(offset);
            WriteMark(offset);
        }
    }

    /// <summary>
    /// Records were to be appended and the disk failed: they may be found after a restart. They are erased before anything is deleted or any segment removed, because
    /// a deletion marks the record that it knows and not these. Marking them dead would say that what the key had before was deleted.
    /// </summary>
    public void AddStrays(IEnumerable<long> offsets)
    {
        lock (_changes)
        {
            _strays.AddRange(offsets);
            // The sync that failed may have been the one for marks too.
            _isUnsure = true;
        }
    }

    /// <summary>Whether there are records that have to be erased.</summary>
    public bool HasStrays
    {
        get
        {
            lock (_changes)
                return _strays.Count > 0;
        }
    }

    /// <summary>Makes the marks durable, if there are any that are not, and erases strays.</summary>
    public void SyncMarks()
    {
        lock (_syncing)
        {
            long[] marks;
            long[] strays;
            lock (_changes)
            {
                if (_unsyncedMarks.Count == 0 && _strays.Count == 0)
                    return;
                marks = [.. _unsyncedMarks];
                strays = [.. _strays];
            }
            Sync(marks, strays);
            lock (_changes)
            {
                // Only ever added to while a sync runs, so what it did is at the front.
                _unsyncedMarks.RemoveRange(0, marks.Length);
                _strays.RemoveRange(0, strays.Length);
            }
        }
    }

    private void Sync(long[] marks, long[] strays)
    {
        try
        {
            // After a failed sync the system takes what it gave up for clean: only writing it again brings it to disk.
            foreach (var mark in Interlocked.Exchange(ref _isUnsure, false) ? marks : [])
                WriteMark(mark);
            foreach (var stray in strays)
                Erase(stray);
            File.Sync();
        }
        catch
        {
            Volatile.Write(ref _isUnsure, true);
            throw;
        }
        // The system tells one of those who sync at a time that it failed.
        if (Volatile.Read(ref _isUnsure))
            throw new IOException("Another sync of the segment failed meanwhile.");
    }

    private void WriteMark(long offset)
    {
        try
        {
            File.Write(offset + RecordFormat.StateOffset, [RecordFormat.Dead]);
        }
        catch
        {
            Volatile.Write(ref _isUnsure, true);
            throw;
        }
    }

    /// <summary>Takes away the letters that a record begins with. Where the file ends before, nothing is written: on a full disk, that must not fail.</summary>
    private void Erase(long offset)
    {
        Span<byte> zeros = stackalloc byte[RecordFormat.Alignment];
        zeros.Clear();
        var there = Math.Min(zeros.Length, File.Length - offset);
        if (there > 0)
            File.Write(offset, zeros[..(int)there]);
    }

    /// <summary>Counts one who reads for a while; false when the file has been closed. The file of a segment that was removed lives on until he is done.</summary>
    public bool TryAddUser()
    {
        while (true)
        {
            var users = Volatile.Read(ref _users);
            if (users == 0)
                return false;
            if (Interlocked.CompareExchange(ref _users, users + 1, users) == users)
                return true;
        }
    }

    public void RemoveUser()
    {
        if (Interlocked.Decrement(ref _users) == 0)
            File.Dispose();
    }

    /// <summary>The end of the set's own use.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
            RemoveUser();
    }
}
