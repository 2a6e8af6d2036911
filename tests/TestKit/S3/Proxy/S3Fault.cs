namespace EdgeCache.TestKit;

/// <summary>What goes wrong with a request. Offsets are bytes of the body, from 0.</summary>
public sealed record S3Fault
{
    private S3Fault()
    {
    }

    /// <summary>The request is read and never answered; the server does not see it. Ends when the client gives up.</summary>
    public static S3Fault Hang { get; } = new() { HangsAtOnce = true };

    /// <summary>The connection ends instead of an answer; the server does not see the request.</summary>
    public static S3Fault Drop { get; } = new() { CutsRequestAfter = 0 };

    /// <summary>The server does what was asked, and the connection ends instead of its answer: the client can't know.</summary>
    public static S3Fault LoseAnswer { get; } = new() { LosesAnswer = true };

    /// <summary>The server is well but has too much to do.</summary>
    public static S3Fault SlowDown { get; } = new() { Error = (503, "SlowDown", "Please reduce your request rate.") };

    /// <summary>The server fails.</summary>
    public static S3Fault InternalError { get; } = new() { Error = (500, "InternalError", "We encountered an internal error. Please try again.") };

    internal bool HangsAtOnce { get; private init; }

    internal long? CutsRequestAfter { get; private init; }

    internal bool LosesAnswer { get; private init; }

    internal (int Status, string Code, string Message)? Error { get; private init; }

    internal long? HangsAfter { get; private init; }

    internal long? CutsAfter { get; private init; }

    internal long? FlipsAt { get; private init; }

    internal int LengthChange { get; private init; }

    internal string? ETag { get; private init; }

    internal long? BytesPerSecond { get; private init; }

    /// <summary>The connection ends when that much of the request's body has gone to the server.</summary>
    public static S3Fault CutRequest(long after) => new() { CutsRequestAfter = after };

    /// <summary>The answer stops there, and the connection stays until the client gives up.</summary>
    public static S3Fault HangAfter(long bytes) => new() { HangsAfter = bytes };

    /// <summary>The connection ends there.</summary>
    public static S3Fault CutAfter(long bytes) => new() { CutsAfter = bytes };

    /// <summary>One bit of the answer's body is wrong.</summary>
    public static S3Fault FlipBit(long offset) => new() { FlipsAt = offset };

    /// <summary>The answer is whole in itself, but that much longer (by zeros at the end) or shorter than the object.</summary>
    public static S3Fault WrongLength(int change) => new() { LengthChange = change };

    /// <summary>The answer has the validator of another object.</summary>
    public static S3Fault WrongETag(string etag) => new() { ETag = etag };

    /// <summary>The answer's body comes very slowly.</summary>
    public static S3Fault Trickle(long bytesPerSecond) => new() { BytesPerSecond = bytesPerSecond };
}
