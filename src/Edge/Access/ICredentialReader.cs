namespace EdgeCache.Edge.Access;

/// <summary>What a reader of credentials makes of a request.</summary>
/// <param name="Principal">Who it is; null when that is not known.</param>
/// <param name="IsRefused">Whether there are credentials and they are no good.</param>
internal readonly record struct CredentialAnswer(Principal? Principal, bool IsRefused)
{
    /// <summary>The request has no credentials of this kind.</summary>
    public static CredentialAnswer None => default;

    /// <summary>It has, and they are wrong or have expired. Which of these is never told.</summary>
    public static CredentialAnswer Refused => new(null, IsRefused: true);

    public static CredentialAnswer Of(Principal principal) => new(principal, IsRefused: false);
}

/// <summary>
/// Knows one kind of credentials. The readers are asked in the order of their registration, and the first that has something to say decides: a request whose
/// token is wrong is not saved by a good signature.
/// </summary>
internal interface ICredentialReader
{
    /// <summary>Looks at a request before any of its body is read. Must not wait for anything: what it needs to know it has learned before.</summary>
    CredentialAnswer Read(HttpContext context);
}
