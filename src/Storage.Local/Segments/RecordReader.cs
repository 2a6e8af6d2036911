using System.Buffers;
using EdgeCache.Storage.Local.Format;
using EdgeCache.Storage.Local.Index;

namespace EdgeCache.Storage.Local.Segments;

/// <summary>
/// A record in memory, as a reader of its blob: nothing that happens to the log meanwhile matters to it. Owns its buffer until it is disposed.
/// </summary>
internal sealed class ReadRecord(byte[] buffer, RecordHeader header, BlobMetadata metadata, int payloadOffset) : IBlobReader, IDisposable
{
    private byte[]? _buffer = buffer;

    public RecordHeader Header { get; } = header;

    public BlobMetadata Metadata { get; } = metadata;

    /// <summary>Where the payload begins, in bytes from the beginning of the record.</summary>
    public int PayloadOffset => payloadOffset;

    /// <summary>The payload, where the record was read whole and has one.</summary>
    public ReadOnlyMemory<byte> Payload => _buffer.AsMemory(payloadOffset, (int)Metadata.PayloadLength);

    public ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var left = Metadata.PayloadLength - offset;
        if (left <= 0)
            return new(0);
        var length = (int)Math.Min(left, buffer.Length);
        Payload.Span.Slice((int)offset, length).CopyTo(buffer.Span);
        return new(length);
    }

    public bool TryGetMemory(out ReadOnlyMemory<byte> memory)
    {
        memory = Payload;
        return true;
    }

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _buffer, null) is { } buffer)
            ArrayPool<byte>.Shared.Return(buffer);
    }
}

/// <summary>What came of looking for a record.</summary>
internal enum RecordVerdict
{
    Good,

    /// <summary>Its segment has gone, or it was superseded: the index has something newer by now, or nothing.</summary>
    Gone,

    /// <summary>What is there is not what was written.</summary>
    Damaged,
}

/// <summary>Reads the records that the index points to, and believes none of it unchecked.</summary>
internal static class RecordReader
{
    /// <summary>Enough for nearly every header, in one call.</summary>
    private const int HeaderGuess = 1024;

    /// <summary>Reads a whole record with its payload.</summary>
    /// <exception cref="IOException">The disk failed.</exception>
    public static RecordVerdict ReadWhole(SegmentSet segments, in IndexEntry entry, bool verifyPayload, out ReadRecord? record) =>
        Read(segments, entry, (int)entry.Length, whole: true, verifyPayload, mayWait: true, out record);

    /// <summary>Reads a whole record, if it can be had without waiting for the disk and is good. False says nothing of the record.</summary>
    public static bool TryReadWholeNow(SegmentSet segments, in IndexEntry entry, bool verifyPayload, out ReadRecord? record) =>
        Read(segments, entry, (int)entry.Length, whole: true, verifyPayload, mayWait: false, out record) == RecordVerdict.Good;

    /// <summary>Reads what a record says of its blob.</summary>
    /// <exception cref="IOException">The disk failed.</exception>
    public static RecordVerdict ReadMetadata(SegmentSet segments, in IndexEntry entry, out RecordHeader header, out BlobMetadata? metadata)
    {
        var verdict = Read(segments, entry, HeaderGuess, whole: false, verifyPayload: false, mayWait: true, out var record);
        if (verdict == RecordVerdict.Damaged)
            verdict = Read(segments, entry, RecordFormat.HeaderLength + BlobFile.MaxHeaderLength, whole: false, verifyPayload: false, mayWait: true, out record);
        using (record)
        {
            header = record?.Header ?? default;
            metadata = record?.Metadata;
            return verdict;
        }
    }

    /// <summary>Reads what a record says of its blob, if it can be had without waiting for the disk and is good. False says nothing of the record.</summary>
    public static bool TryReadMetadataNow(SegmentSet segments, in IndexEntry entry, out BlobMetadata? metadata)
    {
        var verdict = Read(segments, entry, HeaderGuess, whole: false, verifyPayload: false, mayWait: false, out var record);
        using (record)
        {
            metadata = record?.Metadata;
            return verdict == RecordVerdict.Good;
        }
    }

    /// <summary>
    /// Opens a record of which only the header is read, if that can be had without waiting for the disk and is good: for a payload that need not be verified. False says
    /// nothing of the record.
    /// </summary>
    public static bool TryOpenNow(LocalStore store, SegmentSet segments, in IndexEntry entry, out RecordFileReader? reader)
    {
        reader = null;
        if (segments.Find(entry.Segment) is not { } segment || !segment.TryAddUser())
            return false;
        try
        {
            if (Read(segments, entry, HeaderGuess, whole: false, verifyPayload: false, mayWait: false, out var record) != RecordVerdict.Good)
                return false;
            using (record)
            {
                if (record!.Header.Kind == RecordKind.Blob && record.PayloadOffset + record.Metadata.PayloadLength <= record.Header.Length)
                    reader = new RecordFileReader(store, segment, entry, record.Metadata, entry.ByteOffset + record.PayloadOffset);
            }
            return reader is not null;
        }
        finally
        {
            if (reader is null)
                segment.RemoveUser();
        }
    }

    private static RecordVerdict Read(SegmentSet segments, in IndexEntry entry, int length, bool whole, bool verifyPayload, bool mayWait, out ReadRecord? record)
    {
        record = null;
        if (segments.Find(entry.Segment) is not { } segment)
            return RecordVerdict.Gone;
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            var target = buffer.AsSpan(0, length);
            // What can be had now may be less than there is. That shows as damage, and is for the caller to look at again where it may wait.
            var read = mayWait ? segment.File.Read(entry.ByteOffset, target) : Math.Max(0, segment.File.TryReadNow(entry.ByteOffset, target));
            var verdict = Check(buffer, read, entry, whole, verifyPayload, out var header, out var image);
            if (verdict != RecordVerdict.Good)
                return verdict;
            record = new ReadRecord(buffer, header, image.Metadata, RecordFormat.HeaderLength + image.PayloadOffset);
            buffer = null;
            return RecordVerdict.Good;
        }
        catch (ObjectDisposedException)
        {
            // The segment was reclaimed between finding and reading.
            return RecordVerdict.Gone;
        }
        finally
        {
            if (buffer is not null)
                ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static RecordVerdict Check(byte[] buffer, int read, in IndexEntry entry, bool whole, bool verifyPayload, out RecordHeader header, out BlobImage image)
    {
        image = default;
        if (!RecordFormat.TryRead(buffer.AsSpan(0, read), out header) || header.Hash != entry.Hash)
            return RecordVerdict.Damaged;
        if (header.Dead)
            return RecordVerdict.Gone;
        var body = buffer.AsSpan(RecordFormat.HeaderLength, read - RecordFormat.HeaderLength);
        // Also where the payload was verified before: what is behind the end of a segment that was cut since is not its.
        if (whole)
            return header.Kind == RecordKind.Blob && BlobImage.TryRead(body, verifyPayload, out image) ? RecordVerdict.Good : RecordVerdict.Damaged;
        if (!BlobImage.TryReadHeader(body, out var info))
            return RecordVerdict.Damaged;
        image = new BlobImage(info.Metadata, info.HeaderLength);
        return RecordVerdict.Good;
    }
}
