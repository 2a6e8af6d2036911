using EdgeCache.Storage;

namespace EdgeCache.TestKit;

/// <summary>Short ways to write and read whole blobs in tests.</summary>
public static class Blobs
{
    private const int Chunk = 50_000;

    public static BlobKey Key(string key, string name = "test") => BlobKey.Create(name, "", key);

    /// <summary>Bytes that look random and are the same for the same seed.</summary>
    public static byte[] Bytes(int length, int seed = 0)
    {
        var bytes = new byte[length];
        new Random((seed * 7919) + 1).NextBytes(bytes);
        return bytes;
    }

    public static async Task<Outcome<PutReceipt>> PutAsync(this IBlobStore store, BlobKey key, byte[] content, PutOptions? options = null)
    {
        var opened = await store.OpenWriteAsync(key, options ?? new PutOptions(), CancellationToken.None);
        if (!opened.IsOk)
            return opened.Status;
        await using var writer = opened.Value;
        for (var offset = 0; offset < content.Length; offset += Chunk)
        {
            var status = await writer.WriteAsync(content.AsMemory(offset, Math.Min(Chunk, content.Length - offset)), CancellationToken.None);
            if (status != StoreStatus.Ok)
                return status;
        }
        return await writer.CommitAsync(CancellationToken.None);
    }

    /// <summary>The blob, which must be there.</summary>
    public static async Task<(byte[] Content, BlobMetadata Metadata)> GetAsync(this IBlobStore store, BlobKey key) =>
        await store.TryGetAsync(key) ?? throw new InvalidOperationException($"{key} is missing.");

    public static async Task<(byte[] Content, BlobMetadata Metadata)?> TryGetAsync(this IBlobStore store, BlobKey key)
    {
        var opened = await store.OpenReadAsync(key, ByteRange.Whole, CancellationToken.None);
        if (!opened.IsOk)
            return null;
        await using var reader = opened.Value;
        var content = new byte[reader.Metadata.Length];
        await reader.ReadFullyAsync(0, content);
        return (content, reader.Metadata);
    }

    /// <summary>Fills the buffer from the offset on; less is an error.</summary>
    public static async Task ReadFullyAsync(this IBlobReader reader, long offset, Memory<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            var read = await reader.ReadAsync(offset, buffer, CancellationToken.None);
            if (read == 0)
                throw new EndOfStreamException($"Nothing at {offset} of {reader.Metadata.Length}.");
            offset += read;
            buffer = buffer[read..];
        }
    }
}
