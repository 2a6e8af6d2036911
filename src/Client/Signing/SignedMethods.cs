namespace EdgeCache.Client.Signing;

/// <summary>The methods that a signed address can be good for (RFC 9110, section 9.3).</summary>
[Flags]
public enum SignedMethods
{
    /// <summary>No method: nothing can be signed for that.</summary>
    None = 0,

    /// <summary>To fetch.</summary>
    Get = 1,

    /// <summary>To ask whether and what it is, without its content.</summary>
    Head = 2,

    /// <summary>To store.</summary>
    Put = 4,

    /// <summary>To delete.</summary>
    Delete = 8,

    /// <summary>For a route that is forwarded: no blob is asked for so.</summary>
    Post = 16,
}
