using System.Buffers;
using EdgeCache.Storage.Local.Format;

namespace EdgeCache.Storage.Local.Segments;

/// <summary>One record as a scan comes by it.</summary>
/// <param name="Location">Where it is.</param>
/// <param name="Header">Its header.</param>
/// <param name="Metadata">What its body says.</param>
internal readonly record struct ScannedRecord(RecordLocation Location, RecordHeader Header, BlobMetadata Metadata);

/// <summary>
/// Reads the records of a segment, from a place on. What is not a whole record is passed over: behind a torn one nothing was acknowledged, but behind one that was
/// damaged later there may be good ones. Content that looks like a record can't pass for one, because nobody outside knows the secret of the key's hash.
/// </summary>
internal static class SegmentScanner
{
    private const int BufferLength = 1 << 20;

    /// <summary>Hands every whole record to <paramref name="visit"/>.</summary>
    public static void Scan(Segment segment, long from, HashSecret secret, Action<ScannedRecord> visit, CancellationToken cancellationToken = default)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferLength);
        try
        {
            var position = from;
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var available = segment.File.Read(position, buffer);
                if (available < RecordFormat.HeaderLength)
                    return;
                var used = ScanBuffer(segment, position, buffer.AsSpan(0, available), isEnd: available < buffer.Length, secret, visit);
                if (used == 0)
                    return;
                position += used;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>
    /// Hands every record's header and offset to <paramref name="visit"/>, without a look at the bodies. Behind a header that is damaged it goes on where it finds the next, and
    /// what it finds there need not be one: whoever is told of it must know better.
    /// </summary>
    public static void ScanHeaders(Segment segment, Action<RecordHeader, long> visit)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferLength);
        try
        {
            var end = segment.Length;
            for (long position = Segment.HeaderLength, start = 0, filled = 0; end - position >= RecordFormat.HeaderLength;)
            {
                if (position + RecordFormat.HeaderLength > start + filled)
                {
                    start = position;
                    filled = segment.File.Read(start, buffer);
                    if (filled < RecordFormat.HeaderLength)
                        return;
                }
                if (!RecordFormat.TryRead(buffer.AsSpan((int)(position - start), RecordFormat.HeaderLength), out var header))
                {
                    position += RecordFormat.Alignment;
                    continue;
                }
                visit(header, position);
                position += header.Length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Hands out the whole records of a buffer and says how many bytes are done with. No record is longer than the buffer.</summary>
    private static int ScanBuffer(Segment segment, long position, Span<byte> buffer, bool isEnd, HashSecret secret, Action<ScannedRecord> visit)
    {
        var used = 0;
        while (buffer.Length - used >= RecordFormat.HeaderLength)
        {
            var rest = buffer[used..];
            if (!RecordFormat.TryRead(rest, out var header))
            {
                used += RecordFormat.Alignment;
                continue;
            }
            if (header.Length > rest.Length)
            {
                // The rest of it comes with the next buffer, unless there is no rest.
                if (!isEnd && used > 0)
                    break;
                used += RecordFormat.Alignment;
                continue;
            }
            if (TryReadBody(header, rest[..header.Length], out var metadata) && KeyHash.Of(metadata!.Key, secret) == header.Hash)
            {
                visit(new ScannedRecord(new RecordLocation(segment.Id, position + used), header, metadata));
                used += header.Length;
            }
            else
            {
                used += RecordFormat.Alignment;
            }
        }
        return used;
    }

    private static bool TryReadBody(RecordHeader header, Span<byte> record, out BlobMetadata? metadata)
    {
        metadata = null;
        var body = record[RecordFormat.HeaderLength..];
        if (header.Kind == RecordKind.Blob && BlobImage.TryRead(body, verifyPayload: true, out var image))
            metadata = image.Metadata;
        else if (header.Kind == RecordKind.LargeBlob && BlobImage.TryReadHeader(body, out var info))
            metadata = info.Metadata;
        return metadata is not null;
    }
}
