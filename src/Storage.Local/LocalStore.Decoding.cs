using System.Buffers;
using EdgeCache.Storage.Local.Compressing;
using EdgeCache.Storage.Local.Index;
using EdgeCache.Storage.Local.Memory;
using EdgeCache.Storage.Local.Segments;
using Microsoft.Extensions.Logging;

namespace EdgeCache.Storage.Local;

/// <content>How payloads in a coding become content again.</content>
public sealed partial class LocalStore
{
    internal StoreCompression Compression { get; }

    /// <summary>
    /// What a caller may have of a reader that has been opened: nothing of a blob that is too old, or in a coding that can't be decoded here; content, whatever the payload is. The one way
    /// out for readers.
    /// </summary>
    private IBlobReader? Serve(IBlobReader reader, in IndexEntry entry)
    {
        var metadata = reader.Metadata;
        if (!IsExpired(metadata, entry.NamespaceId) && Compression.CanDecode(metadata.Coding))
            return metadata.Coding.Length == 0 || reader is CachedBlob ? reader : new FramedBlobReader(this, reader, entry, isVerified: !entry.IsLarge || IsVerified(entry));
        (reader as IDisposable)?.Dispose();
        return null;
    }

    /// <summary>Puts a record into the memory tier, as content, and as payload too where that is something else; null where it does not fit, or can't be decoded.</summary>
    private CachedBlob? AddToMemory(in IndexEntry entry, ReadRecord record)
    {
        var metadata = record.Metadata;
        if (metadata.Coding.Length == 0)
            return _memory.Add(entry, metadata, record.Payload.Span, []);
        if (!Compression.CanDecode(metadata.Coding) || metadata.Length > Codecs.Frames.SeekTable.FrameContentLength)
            return null;
        var content = ArrayPool<byte>.Shared.Rent((int)metadata.Length);
        try
        {
            var target = content.AsSpan(0, (int)metadata.Length);
            return Compression.Zstd.Decompress(record.Payload.Span, target) is { IsOk: true } result && result.Length == target.Length
                ? _memory.Add(entry, metadata, target, record.Payload.Span)
                : null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(content);
        }
    }

    [LoggerMessage(LogLevel.Warning, "Nothing is compressed, and blobs that were stored compressed count as missing and are kept: {Why}")]
    private partial void LogNoZstd(string why);
}
