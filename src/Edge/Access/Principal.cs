namespace EdgeCache.Edge.Access;

/// <summary>Who makes a request, as far as it is known. Every write records the name.</summary>
/// <param name="Name">The name; empty for somebody who did not say.</param>
internal sealed record Principal(string Name)
{
    /// <summary>Anybody, where no token is configured.</summary>
    public static Principal Anonymous { get; } = new("");

    /// <summary>Whoever holds the one access token.</summary>
    public static Principal TokenHolder { get; } = new("token");
}
