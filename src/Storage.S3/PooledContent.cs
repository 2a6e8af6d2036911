using System.Runtime.InteropServices;

namespace EdgeCache.Storage.S3;

/// <summary>A stream over a part of a buffer. It can be read again from the start, which a repeated call needs.</summary>
internal static class PooledContent
{
    public static MemoryStream Stream(ReadOnlyMemory<byte> content) => MemoryMarshal.TryGetArray(content, out var segment)
        ? new MemoryStream(segment.Array!, segment.Offset, segment.Count, writable: false)
        : new MemoryStream(content.ToArray(), writable: false);
}
