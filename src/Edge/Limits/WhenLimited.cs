namespace EdgeCache.Edge.Limits;

/// <summary>What a namespace answers to a request that is over a limit.</summary>
internal enum WhenLimited
{
    /// <summary>429.</summary>
    Error,

    /// <summary>404 to GET and HEAD, 403 to PUT, and 429 to the rest.</summary>
    Miss,

    /// <summary>404 to GET and HEAD; a PUT is taken in, thrown away and acknowledged; 429 to the rest.</summary>
    Drop,
}

/// <summary>Reads the option, and knows which tools break on a 429.</summary>
internal static class WhenLimitedText
{
    /// <summary>
    /// Without a setting the name of the namespace decides: Gradle switches its cache off for the rest of a build, rush ends with an error, nx fails at once, and Nix hangs in an upload. The
    /// others take a 429 for a miss.
    /// </summary>
    public static WhenLimited Of(string name, string? setting) => (setting ?? DefaultOf(name)) switch
    {
        "drop" => WhenLimited.Drop,
        "miss" => WhenLimited.Miss,
        _ => WhenLimited.Error,
    };

    private static string DefaultOf(string name) => name switch
    {
        "gradle" or "rush" => "drop",
        "nx" or "nix" => "miss",
        _ => "error",
    };
}
