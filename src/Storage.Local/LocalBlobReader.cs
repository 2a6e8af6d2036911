using Microsoft.Win32.SafeHandles;

namespace EdgeCache.Storage.Local;

/// <summary>Reads one open file. The file lives on for this reader when its name is replaced or removed.</summary>
internal sealed class LocalBlobReader(SafeFileHandle file, BlobMetadata metadata, int payloadOffset) : IBlobReader
{
    public BlobMetadata Metadata { get; } = metadata;

    public ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var left = Metadata.PayloadLength - offset;
        if (left <= 0)
            return new(0);
        var wanted = (int)Math.Min(left, buffer.Length);
        var read = RandomAccess.Read(file, buffer.Span[..wanted], payloadOffset + offset);
        if (read == 0)
            throw new BlobDamagedException($"The file of {Metadata.Key} ends {left} bytes too early.");
        return new(read);
    }

    public ValueTask DisposeAsync()
    {
        file.Dispose();
        return ValueTask.CompletedTask;
    }
}
