using EdgeCache.Storage.Local.Segments;

namespace EdgeCache.Storage.Local;

/// <summary>Reads a small blob that is in memory as a whole, so nothing that happens to the log meanwhile matters to it.</summary>
internal sealed class RecordBlobReader(ReadRecord record) : IBlobReader, IDisposable
{
    public BlobMetadata Metadata => record.Metadata;

    public ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var left = Metadata.PayloadLength - offset;
        if (left <= 0)
            return new(0);
        var length = (int)Math.Min(left, buffer.Length);
        record.Payload.Slice((int)offset, length).CopyTo(buffer.Span);
        return new(length);
    }

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    public void Dispose() => record.Dispose();
}
