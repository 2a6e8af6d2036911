namespace EdgeCache.Storage;

/// <summary>
/// A writer whose content can be read back: while it comes in, and until it is disposed, committed or not. Whoever asks for a blob that is just being fetched is served so, and
/// what is to go to a far store is taken from here. Reads may run beside a write and beside each other; none may be under way when the writer is disposed.
/// </summary>
public interface IStagedBlobWriter : IBlobWriter
{
    /// <summary>Reads content that has been written.</summary>
    /// <param name="offset">First byte, counted from 0.</param>
    /// <param name="buffer">Where to; not empty.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The number of bytes read, at least 1; 0 when nothing has been written from there on yet.</returns>
    /// <exception cref="IOException">The store failed.</exception>
    ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken);

    /// <summary>Ends the content and checks it, as a commit does, without publishing. May be asked again.</summary>
    /// <returns>What a commit would store, its generation still open; <see cref="StoreStatus.LengthMismatch"/>, <see cref="StoreStatus.DigestMismatch"/>, or why a write has failed before.</returns>
    Outcome<BlobMetadata> EndContent();
}
