namespace EdgeCache.Storage;

/// <summary>How a store operation ended. Everything here can be expected in operation; a fault of the program is an exception.</summary>
public enum StoreStatus
{
    /// <summary>Done.</summary>
    Ok,

    /// <summary>No blob has this key.</summary>
    Missing,

    /// <summary>Another blob has this key and the namespace does not replace.</summary>
    Exists,

    /// <summary>The caller's condition on the present blob does not hold.</summary>
    PreconditionFailed,

    /// <summary>The content is longer than the caller's limit.</summary>
    TooLarge,

    /// <summary>The store has no room: its size limit, or the floor of free disk space.</summary>
    NoSpace,

    /// <summary>The content is shorter or longer than was announced.</summary>
    LengthMismatch,

    /// <summary>The content's digest is not the expected one.</summary>
    DigestMismatch,

    /// <summary>The key was written, deleted or purged since the caller's generation stamp was taken.</summary>
    Superseded,

    /// <summary>The store can't do this now (a failing disk, a store that is closing); the same call may work later.</summary>
    Unavailable,
}

/// <summary>An outcome whatever its value is.</summary>
internal interface IOutcome
{
    StoreStatus Status { get; }

    string? Detail { get; }
}

/// <summary>A value, or the expected reason why there is none.</summary>
/// <typeparam name="T">The value of a good outcome.</typeparam>
public readonly struct Outcome<T> : IOutcome
    where T : class
{
    private Outcome(StoreStatus status, T? value, string? detail)
    {
        Status = status;
        Value = value;
        Detail = detail;
    }

    /// <summary>How it ended.</summary>
    public StoreStatus Status { get; }

    /// <summary>The value. Always there with <see cref="StoreStatus.Ok"/>; with <see cref="StoreStatus.Exists"/>, <see cref="StoreStatus.PreconditionFailed"/> it may be.</summary>
    public T? Value { get; }

    /// <summary>One sentence for the operator or caller; never a secret.</summary>
    public string? Detail { get; }

    /// <summary>Whether <see cref="Status"/> is <see cref="StoreStatus.Ok"/>.</summary>
    [System.Diagnostics.CodeAnalysis.MemberNotNullWhen(true, nameof(Value))]
    public bool IsOk => Status == StoreStatus.Ok;

    /// <summary>A good outcome.</summary>
    public static implicit operator Outcome<T>(T value) => new(StoreStatus.Ok, value, null);

    /// <summary>An outcome without a value.</summary>
    public static implicit operator Outcome<T>(StoreStatus status) => new(status, null, null);

    /// <summary>A good outcome; for values of an interface type, which C# does not convert by itself.</summary>
#pragma warning disable CA1000
    public static Outcome<T> Good(T value) => new(StoreStatus.Ok, value, null);
#pragma warning restore CA1000

    /// <summary>An outcome that is not <see cref="StoreStatus.Ok"/>, with a sentence on it.</summary>
#pragma warning disable CA1000 // The type argument is what the caller already writes; a non-generic companion would only repeat it.
    public static Outcome<T> Fail(StoreStatus status, string detail) => new(status, null, detail);
#pragma warning restore CA1000
}
