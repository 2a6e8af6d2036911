using System.Diagnostics.CodeAnalysis;
using Microsoft.Win32.SafeHandles;

namespace EdgeCache.Storage.Tiering;

/// <summary>A reader of one store that tells something else of where its bytes come from.</summary>
internal sealed class SourcedReader(IBlobReader inner, BlobMetadata metadata, BlobSource source) : IBlobReader
{
    public BlobMetadata Metadata => metadata;

    public BlobSource Source => source;

    public ValueTask<BlockChecksums?> GetChecksumsAsync(CancellationToken cancellationToken) => inner.GetChecksumsAsync(cancellationToken);

    public ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken) => inner.ReadAsync(offset, buffer, cancellationToken);

    public bool TryGetMemory(out ReadOnlyMemory<byte> memory) => inner.TryGetMemory(out memory);

    public bool HasPayload => inner.HasPayload && metadata.PayloadSha256 == inner.Metadata.PayloadSha256;

    public ValueTask<int> ReadPayloadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken) => inner.ReadPayloadAsync(offset, buffer, cancellationToken);

    public bool TryGetPayloadMemory(out ReadOnlyMemory<byte> memory) => inner.TryGetPayloadMemory(out memory);

    public bool TryGetFile(long offset, int length, [NotNullWhen(true)] out SafeFileHandle? file, out long position) => inner.TryGetFile(offset, length, out file, out position);

    public bool TryGetPayloadFile(long offset, int length, [NotNullWhen(true)] out SafeFileHandle? file, out long position) =>
        inner.TryGetPayloadFile(offset, length, out file, out position);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
