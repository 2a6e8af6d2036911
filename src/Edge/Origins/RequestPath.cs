namespace EdgeCache.Edge.Origins;

/// <summary>
/// Through what a request has come. A store's contract knows no request, so this goes with the flow of execution; whoever begins a fetch lets it flow, which is what happens if
/// nothing is done about it.
/// </summary>
/// <param name="Loop">CDN-Loop as it came in; null for none.</param>
/// <param name="Via">Via as it came in; null for none.</param>
/// <param name="Version">The version of HTTP in which it came, such as <c>1.1</c> or <c>2</c>.</param>
internal sealed record RequestPath(string? Loop, string? Via, string Version)
{
    private static readonly AsyncLocal<RequestPath?> Flowing = new();

    /// <summary>Of the request that work is done for; null for one that came straight from a client, in HTTP/1.1.</summary>
    public static RequestPath? Current
    {
        get => Flowing.Value;
        set => Flowing.Value = value;
    }

    /// <summary>Through which nodes it came, if any: one of them may wait for what is done for it.</summary>
    public string? Route => Loop ?? (Via is { } via && NodeIdentity.TellsOfNode(via) ? via : null);
}
