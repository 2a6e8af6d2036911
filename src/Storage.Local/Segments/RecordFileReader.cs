using System.Diagnostics.CodeAnalysis;
using EdgeCache.Storage.Local.Index;
using EdgeCache.Storage.Local.Memory;
using Microsoft.Win32.SafeHandles;

namespace EdgeCache.Storage.Local.Segments;

/// <summary>
/// Reads the payload of a record, which has been found good lately, straight out of its segment. What the system has in memory is read on the caller's thread, the rest on a
/// disk thread.
/// </summary>
/// <param name="store">The store that it is of.</param>
/// <param name="segment">The segment, with a use that has been counted for this reader.</param>
/// <param name="entry">The entry that points to the record.</param>
/// <param name="metadata">What the record's header says.</param>
/// <param name="start">Where in the segment the payload begins.</param>
internal sealed class RecordFileReader(LocalStore store, Segment segment, IndexEntry entry, BlobMetadata metadata, long start) : IBlobReader, IDisposable
{
    private int _isDisposed;

    public BlobMetadata Metadata => metadata;

    public ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var left = metadata.PayloadLength - offset;
        if (left <= 0)
            return new(0);
        var wanted = buffer[..(int)Math.Min(left, buffer.Length)];
        var read = segment.File.TryReadNow(start + offset, wanted.Span);
        return read > 0 ? new(read) : ReadColdAsync(offset, wanted, cancellationToken);
    }

    public bool TryGetFile(long offset, int length, [NotNullWhen(true)] out SafeFileHandle? file, out long position)
    {
        (file, position) = (null, 0);
        return metadata.Coding.Length == 0 && TryGetPayloadFile(offset, length, out file, out position);
    }

    public bool TryGetPayloadFile(long offset, int length, [NotNullWhen(true)] out SafeFileHandle? file, out long position)
    {
        position = start + offset;
        file = offset + length <= metadata.PayloadLength ? segment.File.TryGetCached(position, length) : null;
        return file is not null;
    }

    /// <summary>What the next reader need not read again.</summary>
    public KnownRecord ToKnown() => new(entry, segment, metadata, start);

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
            segment.RemoveUser();
    }

    /// <summary>Once it has begun it is waited for, also when the caller gives up: the buffer is the caller's.</summary>
    private async ValueTask<int> ReadColdAsync(long offset, Memory<byte> wanted, CancellationToken cancellationToken)
    {
        var read = await store.RunReadAsync(() => segment.File.Read(start + offset, wanted.Span), cancellationToken).ConfigureAwait(false);
        if (read > 0)
            return read;
        await store.RunReadAsync(() => store.DropDamaged(metadata.Key, entry, file: null), CancellationToken.None).ConfigureAwait(false);
        throw new BlobDamagedException($"The record of {metadata.Key} ends too early.");
    }
}
