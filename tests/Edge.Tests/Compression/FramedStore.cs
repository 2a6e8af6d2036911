using System.Security.Cryptography;
using EdgeCache.Storage;

namespace EdgeCache.Edge.Tests.Compression;

/// <summary>A store that has everything as zstd, whatever it came as, so that tests say which blob is stored how.</summary>
internal sealed class FramedStore(IBlobStore inner) : IBlobStore
{
    public StoreState State => inner.State;

    public async ValueTask<Outcome<IBlobReader>> OpenReadAsync(BlobKey key, ByteRange expected, CancellationToken cancellationToken)
    {
        var opened = await inner.OpenReadAsync(key, ByteRange.Whole, cancellationToken);
        if (!opened.IsOk)
            return opened;
        var payload = await PayloadAsync(opened.Value, cancellationToken);
        return Outcome<IBlobReader>.Good(new Reader(opened.Value, payload));
    }

    public async ValueTask<Outcome<BlobMetadata>> StatAsync(BlobKey key, CancellationToken cancellationToken)
    {
        var opened = await inner.OpenReadAsync(key, ByteRange.Whole, cancellationToken);
        if (!opened.IsOk)
            return opened.Status;
        await using var reader = opened.Value;
        return Framed(reader.Metadata, await PayloadAsync(reader, cancellationToken));
    }

    public ValueTask<Outcome<IBlobWriter>> OpenWriteAsync(BlobKey key, PutOptions options, CancellationToken cancellationToken) => inner.OpenWriteAsync(key, options, cancellationToken);

    public ValueTask<Outcome<BlobMetadata>> DeleteAsync(BlobKey key, BlobCondition? condition, CancellationToken cancellationToken) => inner.DeleteAsync(key, condition, cancellationToken);

    public IAsyncEnumerable<BlobListing> ListAsync(BlobPrefix prefix, CancellationToken cancellationToken) => inner.ListAsync(prefix, cancellationToken);

    public long GetGeneration(BlobKey key) => inner.GetGeneration(key);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private static BlobMetadata Framed(BlobMetadata blob, byte[] payload) =>
        blob with { Coding = "zstd", PayloadLength = payload.Length, PayloadSha256 = new Sha256Digest(SHA256.HashData(payload)) };

    private static async Task<byte[]> PayloadAsync(IBlobReader reader, CancellationToken cancellationToken)
    {
        var content = new byte[reader.Metadata.Length];
        var length = 0;
        while (length < content.Length && await reader.ReadAsync(length, content.AsMemory(length), cancellationToken) is > 0 and var read)
            length += read;
        return Coder.Encode("zstd", content);
    }

    private sealed class Reader(IBlobReader inner, byte[] payload) : IBlobReader
    {
        public BlobMetadata Metadata { get; } = Framed(inner.Metadata, payload);

        public BlobSource Source => inner.Source;

        public bool HasPayload => true;

        public ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken) => inner.ReadAsync(offset, buffer, cancellationToken);

        public ValueTask<int> ReadPayloadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
        {
            var length = (int)Math.Min(buffer.Length, payload.Length - offset);
            payload.AsMemory((int)offset, length).CopyTo(buffer);
            return new(length);
        }

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
