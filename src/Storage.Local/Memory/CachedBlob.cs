using System.Numerics;
using EdgeCache.Storage.Local.Index;

namespace EdgeCache.Storage.Local.Memory;

/// <summary>
/// A small blob in memory, verified when it came in, and its own reader: it has no state, so all who read it share it. Its bytes belong to the garbage collector, so they
/// stay as they are for whoever still reads when the tier has given them up.
/// </summary>
/// <param name="entry">The entry that points to it.</param>
/// <param name="metadata">What is known of it.</param>
/// <param name="bytes">The content; and behind it the payload, where that is something else: a hit decodes nothing, whatever it asks for.</param>
internal sealed class CachedBlob(in IndexEntry entry, BlobMetadata metadata, byte[] bytes) : CacheNode(entry, Measure(metadata, bytes.Length)), IBlobReader
{
    // What the runtime takes on 64 bits, counted with GC.GetAllocatedBytesForCurrentThread; a test holds it against that.
    private const int ObjectHeader = 16;
    private const int StringHeader = 22;
    private const int ArrayHeader = 24;

    /// <summary>This object, the metadata without its texts, its lists, and the dictionary's node and bucket.</summary>
    private const int Fixed = 640;
    private const int PairLength = 24;

    public BlobMetadata Metadata { get; } = metadata;

    public bool HasPayload => Metadata.Coding.Length > 0;

    private ReadOnlyMemory<byte> Content => bytes.AsMemory(0, (int)Metadata.Length);

    private ReadOnlyMemory<byte> Payload => bytes.AsMemory((int)Metadata.Length);

    /// <summary>Bytes that a blob takes in memory, with everything around it.</summary>
    public static long Measure(BlobMetadata metadata, int contentLength)
    {
        var texts = Text(metadata.Coding) + Text(metadata.Key.Namespace) + Text(metadata.Key.Tenant) + Text(metadata.Key.Key) + Text(metadata.ContentType) + Text(metadata.Writer) + Text(metadata.FarValidator);
        foreach (var tag in metadata.Tags)
            texts += Text(tag);
        foreach (var (name, value) in metadata.StoredHeaders)
            texts += Text(name) + Text(value) + PairLength;
        foreach (var field in metadata.UnknownFields)
            texts += RoundUp(ArrayHeader + field.Value.Length) + ObjectHeader + PairLength + ArrayHeader;
        var lists = List(metadata.Tags.Count) + List(metadata.StoredHeaders.Count * 2) + List(metadata.UnknownFields.Count);
        return Fixed + texts + lists + RoundUp(ArrayHeader + contentLength);
    }

    public ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken) => new(Copy(Content.Span, offset, buffer.Span));

    public bool TryGetMemory(out ReadOnlyMemory<byte> memory)
    {
        memory = Content;
        return true;
    }

    public ValueTask<int> ReadPayloadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken) => new(Copy(Payload.Span, offset, buffer.Span));

    public bool TryGetPayloadMemory(out ReadOnlyMemory<byte> memory)
    {
        memory = Payload;
        return HasPayload;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static int Copy(ReadOnlySpan<byte> source, long offset, Span<byte> target)
    {
        var length = (int)Math.Clamp(source.Length - offset, 0, target.Length);
        if (length > 0)
            source.Slice((int)offset, length).CopyTo(target);
        return length;
    }

    private static long Text(string text) => text.Length == 0 ? 0 : RoundUp(StringHeader + (2L * text.Length));

    /// <summary>A list's array grows by doubling.</summary>
    private static long List(int count) => count == 0 ? 0 : ArrayHeader + (8L * Math.Max(4, BitOperations.RoundUpToPowerOf2((uint)count)));

    private static long RoundUp(long bytes) => (bytes + 7) & ~7L;
}
