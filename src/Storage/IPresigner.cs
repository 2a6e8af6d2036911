namespace EdgeCache.Storage;

/// <summary>A far store that can make an address from which anybody may read one of its objects for a while.</summary>
public interface IPresigner
{
    /// <summary>Makes the address. Does not ask the server; credentials that have expired may be fetched.</summary>
    /// <param name="blob">The blob, as the far store told of it.</param>
    /// <param name="lifetime">For how long the address is good: 1 second to 7 days.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The address; null where what is stored is not the content as it is, or no address can be made.</returns>
    ValueTask<Uri?> PresignAsync(BlobMetadata blob, TimeSpan lifetime, CancellationToken cancellationToken);
}
