using EdgeCache.Client.Signing;
using EdgeCache.Edge.Access;
using EdgeCache.Edge.Delivery;
using EdgeCache.Storage;

namespace EdgeCache.Edge.Signing;

/// <summary>
/// What a good signature allows. It may be of many requests at one time, for one address; what follows from it for those is kept beside it, because it costs more than the rest of a
/// small hit.
/// </summary>
/// <param name="policy">The policy that it belongs to.</param>
/// <param name="key">The key that it was made with.</param>
/// <param name="methods">The methods that it is good for.</param>
/// <param name="expires">When its time is over.</param>
/// <param name="isForAnybody">Whether everybody who holds the address may ask: neither bound to a client, nor in a cookie.</param>
internal sealed class SignatureGrant(string policy, string key, SignedMethods methods, DateTimeOffset expires, bool isForAnybody)
{
    // Made of everything else, and replaced as a whole; a lost race makes it once more.
    private Signer? _signer;
    private SignedCacheFields? _cacheFields;

    public SignedMethods Methods => methods;

    public DateTimeOffset Expires => expires;

    public bool IsForAnybody => isForAnybody;

    /// <summary>What caches were told last of an answer to this; null where none was yet.</summary>
    public SignedCacheFields? CacheFields
    {
        get => Volatile.Read(ref _cacheFields);
        set => Volatile.Write(ref _cacheFields, value);
    }

    /// <summary>What somebody needs who does what methods do.</summary>
    public static Scopes ScopesOf(SignedMethods methods) =>
        ((methods & (SignedMethods.Get | SignedMethods.Head)) != SignedMethods.None ? Scopes.Read : Scopes.None)
        | (methods.HasFlag(SignedMethods.Put) ? Scopes.Write : Scopes.None)
        | (methods.HasFlag(SignedMethods.Delete) ? Scopes.Delete : Scopes.None);

    /// <summary>Who makes a signed request: whoever has the key lets somebody do this with this blob, and nothing else.</summary>
    public Principal ToPrincipal(in BlobKey blob)
    {
        var signer = Volatile.Read(ref _signer);
        if (signer is null || signer.Blob != blob)
            Volatile.Write(ref _signer, signer = new Signer(blob, Make(blob)));
        return signer.Principal;
    }

    private Principal Make(in BlobKey blob) => new($"signed:{policy}/{key}")
    {
        Scopes = ScopesOf(Methods),
        Reach = new Reach { Namespaces = [blob.Namespace], Prefixes = [blob.Key] },
        Expires = Expires,
        IdentifiedBy = "signed URL",
    };

    private sealed record Signer(BlobKey Blob, Principal Principal);
}
