namespace EdgeCache.Storage.Tiering;

/// <summary>Sends readers of large blobs that are not here to the far store itself.</summary>
public interface IRedirector
{
    /// <summary>Tells where a blob can be read instead of here.</summary>
    /// <param name="key">The blob.</param>
    /// <param name="minLength">Smallest content, in bytes, that is worth it.</param>
    /// <param name="lifetime">For how long the address is to be good: 1 second to 7 days.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The address; null when the blob is to be read here: it is in the local store, too small, missing, or has no address.</returns>
    ValueTask<Uri?> TryRedirectAsync(BlobKey key, long minLength, TimeSpan lifetime, CancellationToken cancellationToken);
}
