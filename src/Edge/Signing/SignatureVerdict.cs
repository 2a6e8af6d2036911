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

/// <summary>What came of looking at a signature: a grant, or a fault.</summary>
/// <param name="Fault">Why not.</param>
/// <param name="Grant">What is allowed, when there is no fault.</param>
internal readonly record struct SignatureVerdict(SignatureFault Fault, SignatureGrant? Grant)
{
    public static implicit operator SignatureVerdict(SignatureFault fault) => new(fault, null);

    public static implicit operator SignatureVerdict(SignatureGrant grant) => new(SignatureFault.None, grant);
}
