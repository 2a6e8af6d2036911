using System.Diagnostics.CodeAnalysis;
using Microsoft.Win32.SafeHandles;

namespace EdgeCache.Storage;

/// <summary>An open blob. Reads may be at any offset; reading on from where the last read ended is what a store is fast at. One read at a time.</summary>
public interface IBlobReader : IAsyncDisposable
{
    /// <summary>The metadata of exactly the version that is being read.</summary>
    BlobMetadata Metadata { get; }

    /// <summary>Where the bytes come from, for whoever tells the client or counts it.</summary>
    BlobSource Source => BlobSource.Local;

    /// <summary>
    /// MD5 of the whole content, of a blob whose SHA-256 nobody knows, where the store knows it. Whoever reads from the first byte to the last is given the last ones only when they
    /// are right, if all of it comes from this reader; whoever puts it together from several has to hold it against this.
    /// </summary>
    ReadOnlyMemory<byte>? ContentMd5 => null;

    /// <summary>Checksums of the content's blocks, where the store knows them without reading the content; null otherwise.</summary>
    /// <exception cref="IOException">The store failed.</exception>
    ValueTask<BlockChecksums?> GetChecksumsAsync(CancellationToken cancellationToken) => new(Metadata.Checksums);

    /// <summary>Reads content.</summary>
    /// <param name="offset">First byte to read, from 0 to the length of the content.</param>
    /// <param name="buffer">Where to; not empty.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The number of bytes read, at least 1; 0 only at the end of the content.</returns>
    /// <exception cref="BlobDamagedException">What is stored is not what was written: nothing of this read may be used.</exception>
    /// <exception cref="IOException">The store failed.</exception>
    ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken);

    /// <summary>The whole content, where it is in memory anyway: it need not be copied out by <see cref="ReadAsync"/>. Good until the reader is disposed.</summary>
    /// <returns>False where it has to be read.</returns>
    bool TryGetMemory(out ReadOnlyMemory<byte> memory)
    {
        memory = default;
        return false;
    }

    /// <summary>
    /// Whether the payload can be had as it is stored, in the coding that the metadata names: for whoever accepts that coding, and need not wait for the content to be decoded. What it is,
    /// how long, and its digest are <see cref="BlobMetadata.Coding"/>, <see cref="BlobMetadata.PayloadLength"/> and <see cref="BlobMetadata.PayloadSha256"/>.
    /// </summary>
    bool HasPayload => false;

    /// <summary>Reads the payload as it is stored; as <see cref="ReadAsync"/> in all else. Only where <see cref="HasPayload"/> says so.</summary>
    /// <param name="offset">First byte to read, from 0 to the length of the payload.</param>
    /// <param name="buffer">Where to; not empty.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The number of bytes read, at least 1; 0 only at the end of the payload.</returns>
    /// <exception cref="BlobDamagedException">What is stored is not what was written: nothing of this read may be used.</exception>
    /// <exception cref="IOException">The store failed.</exception>
    ValueTask<int> ReadPayloadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken) => throw new NotSupportedException("This reader gives content alone.");

    /// <summary>The whole payload, where it is in memory anyway. Only where <see cref="HasPayload"/> says so. Good until the reader is disposed.</summary>
    /// <returns>False where it has to be read.</returns>
    bool TryGetPayloadMemory(out ReadOnlyMemory<byte> memory)
    {
        memory = default;
        return false;
    }

    /// <summary>
    /// A part of the content where it lies in a file as it is, so that the system can send it from there without anybody copying it. Only what has been found good lately, and what the system
    /// has in memory: sending it waits for no disk.
    /// </summary>
    /// <param name="offset">First byte of the part.</param>
    /// <param name="length">Bytes, at least 1; the part ends with the content at the latest.</param>
    /// <param name="file">The file. Open until the reader is disposed.</param>
    /// <param name="position">Where in it the part begins.</param>
    /// <returns>False where it has to be read.</returns>
    bool TryGetFile(long offset, int length, [NotNullWhen(true)] out SafeFileHandle? file, out long position)
    {
        file = null;
        position = 0;
        return false;
    }

    /// <summary>As <see cref="TryGetFile"/>, of the payload. Only where <see cref="HasPayload"/> says so.</summary>
    /// <param name="offset">First byte of the part.</param>
    /// <param name="length">Bytes, at least 1; the part ends with the payload at the latest.</param>
    /// <param name="file">The file. Open until the reader is disposed.</param>
    /// <param name="position">Where in it the part begins.</param>
    /// <returns>False where it has to be read.</returns>
    bool TryGetPayloadFile(long offset, int length, [NotNullWhen(true)] out SafeFileHandle? file, out long position)
    {
        file = null;
        position = 0;
        return false;
    }
}

/// <summary>Where a reader's bytes come from.</summary>
public enum BlobSource
{
    /// <summary>From this store, as it is.</summary>
    Local,

    /// <summary>From this store, after the far store has confirmed that it is still the present version.</summary>
    Revalidated,

    /// <summary>From this store, although the far store could not be asked whether it is still the present version.</summary>
    Stale,

    /// <summary>From the far store, which this reader was the first to ask; on its way in, the blob is stored.</summary>
    Filled,

    /// <summary>From a fetch of the far store that somebody else had begun.</summary>
    Collapsed,

    /// <summary>From the far store, and not stored.</summary>
    Far,
}

/// <summary>Stored bytes are not the bytes that were written. Whoever is serving them must cut the connection rather than end the response well.</summary>
public sealed class BlobDamagedException : IOException
{
    /// <summary>Says which blob and what is wrong with it.</summary>
    public BlobDamagedException(string message)
        : base(message)
    {
    }
}
