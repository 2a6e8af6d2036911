namespace EdgeCache.Storage.Tiering;

/// <summary>How the blobs of a namespace move between the local and the far store. A value of the type is valid: built from configuration, anew at each reload.</summary>
public sealed record TierPolicy
{
    /// <summary>Of a namespace of which nothing is configured: immutable, written through.</summary>
    public static TierPolicy Default { get; } = new();

    /// <summary>Whether every key is the SHA-256 of its content, so that the far store need not tell it.</summary>
    public bool Verified { get; init; }

    /// <summary>
    /// For how long a local copy is served without asking the far store whether it is still the present version; zero asks each time. Null where keys are immutable: never asked.
    /// </summary>
    public TimeSpan? FreshFor { get; init; }

    /// <summary>Whether a write is acknowledged when it is durable here, and goes to the far store afterwards. Only where keys are verified or replaceable. Default: no, when the far store has it.</summary>
    public bool WriteBack { get; init; }
}
