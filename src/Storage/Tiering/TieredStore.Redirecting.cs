namespace EdgeCache.Storage.Tiering;

/// <content>Sending readers to the far store.</content>
public sealed partial class TieredStore
{
    /// <inheritdoc/>
    public async ValueTask<Uri?> TryRedirectAsync(BlobKey key, long minLength, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        if (Presigner is null)
            return null;

        // What is here, also what is perhaps here, is the other way's business.
        var stamp = _near.GetGeneration(key);
        var near = await _near.StatAsync(key, cancellationToken).ConfigureAwait(false);
        if (near.Status != StoreStatus.Missing || IsPending(key))
            return null;
        var far = await AskAsync(key, stamp, _options.PolicyOf(key.Namespace), hasCopy: false, cancellationToken).ConfigureAwait(false);
        return far.IsOk && far.Value.Length >= minLength ? await Presigner.PresignAsync(far.Value, lifetime, cancellationToken).ConfigureAwait(false) : null;
    }
}
