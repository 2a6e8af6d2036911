using EdgeCache.Edge.Access;
using EdgeCache.Storage;

namespace EdgeCache.Edge.Signing;

/// <summary>Why a signature does not let a request pass. Said in the log and in metrics, never to the client.</summary>
internal enum SignatureFault
{
    None,

    /// <summary>There is none.</summary>
    Missing,

    /// <summary>A parameter is missing, there twice, or can't be read.</summary>
    Malformed,

    /// <summary>The path has parts that mean another path.</summary>
    UnclearPath,

    /// <summary>No key has this name.</summary>
    UnknownKey,

    /// <summary>The signature is not one of the key for what was asked.</summary>
    WrongSignature,

    /// <summary>It is good, for another address.</summary>
    WrongPath,

    /// <summary>It is good, for other methods.</summary>
    WrongMethod,

    /// <summary>It is good, for other clients.</summary>
    WrongClient,

    /// <summary>Its time is over.</summary>
    Expired,

    /// <summary>Its time has not come.</summary>
    NotYetValid,

    /// <summary>The route names a policy that is not there any more.</summary>
    UnknownPolicy,
}

/// <summary>What a good signature allows.</summary>
/// <param name="Policy">The policy that it belongs to.</param>
/// <param name="Key">The key that it was made with.</param>
/// <param name="Methods">The methods that it is good for.</param>
/// <param name="Expires">When its time is over.</param>
/// <param name="IsForAnybody">Whether everybody who holds the address may ask: neither bound to a client, nor in a cookie.</param>
internal sealed record SignatureGrant(string Policy, string Key, SignedMethods Methods, DateTimeOffset Expires, bool IsForAnybody)
{
    /// <summary>Who makes a signed request: whoever has the key lets somebody do this with this blob, and nothing else.</summary>
    public Principal ToPrincipal(in BlobKey key) => new($"signed:{Policy}/{Key}")
    {
        Scopes = ((Methods & (SignedMethods.Get | SignedMethods.Head)) != SignedMethods.None ? Scopes.Read : Scopes.None)
            | (Methods.HasFlag(SignedMethods.Put) ? Scopes.Write : Scopes.None)
            | (Methods.HasFlag(SignedMethods.Delete) ? Scopes.Delete : Scopes.None),
        Reach = new Reach { Namespaces = [key.Namespace], Prefixes = [key.Key] },
        Expires = Expires,
        IdentifiedBy = "signed URL",
    };
}

/// <summary>What came of looking at a signature: a grant, or a fault.</summary>
/// <param name="Fault">Why not.</param>
/// <param name="Grant">What is allowed, when there is no fault.</param>
internal readonly record struct SignatureVerdict(SignatureFault Fault, SignatureGrant? Grant)
{
    public static implicit operator SignatureVerdict(SignatureFault fault) => new(fault, null);

    public static implicit operator SignatureVerdict(SignatureGrant grant) => new(SignatureFault.None, grant);
}
