using System.Numerics;
using EdgeCache.Storage.Local.Index;

namespace EdgeCache.Storage.Local.Memory;

/// <summary>
/// A small blob in memory, verified when it came in, and its own reader: it has no state, so all who read it share it. Its bytes belong to the garbage collector, so they
/// stay as they are for whoever still reads when the tier has given them up.
/// </summary>
internal sealed class CachedBlob(in IndexEntry entry, BlobMetadata metadata, byte[] content) : CacheNode(entry, Measure(metadata, content.Length)), IBlobReader
{
    // What the runtime takes on 64 bits, counted with GC.GetAllocatedBytesForCurrentThread; a test holds it against that.
    private const int ObjectHeader = 16;
    private const int StringHeader = 22;
    private const int ArrayHeader = 24;

    /// <summary>This object, the metadata without its texts, its lists, and the dictionary's node and bucket.</summary>
    private const int Fixed = 640;
    private const int PairLength = 24;

    public BlobMetadata Metadata { get; } = metadata;

    /// <summary>Bytes that a blob takes in memory, with everything around it.</summary>
    public static long Measure(BlobMetadata metadata, int contentLength)
    {
        var texts = Text(metadata.Key.Namespace) + Text(metadata.Key.Tenant) + Text(metadata.Key.Key) + Text(metadata.ContentType) + Text(metadata.Writer) + Text(metadata.FarValidator);
        foreach (var tag in metadata.Tags)
            texts += Text(tag);
        foreach (var (name, value) in metadata.StoredHeaders)
            texts += Text(name) + Text(value) + PairLength;
        foreach (var field in metadata.UnknownFields)
            texts += RoundUp(ArrayHeader + field.Value.Length) + ObjectHeader + PairLength + ArrayHeader;
        var lists = List(metadata.Tags.Count) + List(metadata.StoredHeaders.Count * 2) + List(metadata.UnknownFields.Count);
        return Fixed + texts + lists + RoundUp(ArrayHeader + contentLength);
    }

    public ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var left = content.Length - offset;
        if (left <= 0)
            return new(0);
        var length = (int)Math.Min(left, buffer.Length);
        content.AsSpan((int)offset, length).CopyTo(buffer.Span);
        return new(length);
    }

    public bool TryGetMemory(out ReadOnlyMemory<byte> memory)
    {
        memory = content;
        return true;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static long Text(string text) => text.Length == 0 ? 0 : RoundUp(StringHeader + (2L * text.Length));

    /// <summary>A list's array grows by doubling.</summary>
    private static long List(int count) => count == 0 ? 0 : ArrayHeader + (8L * Math.Max(4, BitOperations.RoundUpToPowerOf2((uint)count)));

    private static long RoundUp(long bytes) => (bytes + 7) & ~7L;
}
