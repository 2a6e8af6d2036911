namespace EdgeCache.Storage.S3;

/// <content>Addresses for others to read from.</content>
public sealed partial class S3Store : IPresigner
{
    private static readonly TimeSpan MaxLifetime = TimeSpan.FromDays(7);

    /// <inheritdoc/>
    public async ValueTask<Uri?> PresignAsync(BlobMetadata blob, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(lifetime, TimeSpan.FromSeconds(1));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lifetime, MaxLifetime);

        // The server would say of a coded object that it is coded, and clients would unpack what they asked for as it is.
        if (_closed || HasCoding(blob))
            return null;
        try
        {
            // What is known of the blob says nothing of the form in which it is there now.
            if (await FindAsync(blob.Key, cancellationToken).ConfigureAwait(false) is not { IsFramed: false } found || HasCoding(found.Blob))
                return null;
            return await _session.PresignAsync(_names.Of(blob.Key), lifetime, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (IsExpected(error, cancellationToken))
        {
            Fail<BlobMetadata>(error);
            return null;
        }
    }

    private static bool HasCoding(BlobMetadata blob) => blob.StoredHeaders.Any(h => h.Key.Equals("content-encoding", StringComparison.OrdinalIgnoreCase));
}
