namespace EdgeCache.Storage;

/// <summary>An open blob. Reads may be at any offset; reading on from where the last read ended is what a store is fast at. One read at a time.</summary>
public interface IBlobReader : IAsyncDisposable
{
    /// <summary>The metadata of exactly the version that is being read.</summary>
    BlobMetadata Metadata { get; }

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
