using System.Security.Cryptography;

namespace EdgeCache.Edge.Origins;

/// <summary>This node among others: how it marks the requests that it makes on behalf of others (RFC 8586). Another one at each start.</summary>
internal sealed class NodeIdentity
{
    public const string Field = "CDN-Loop";

    /// <summary>Most nodes that a request may have come through.</summary>
    public const int MaxHops = 10;

    /// <summary>Longest field that is passed on, in characters.</summary>
    public const int MaxFieldLength = 2048;

    private readonly string _id = RandomNumberGenerator.GetHexString(16, lowercase: true);

    /// <summary>This node's entry in the field.</summary>
    public string Entry => $"edgecache; id={_id}";

    /// <summary>Whether a request has come through this node before.</summary>
    public bool IsIn(string chain) => chain.Contains(_id, StringComparison.Ordinal);

    /// <summary>The field of a request to an origin: where the request came through that it is made for, and this node.</summary>
    public string Append(string? chain) => chain is null ? Entry : $"{chain}, {Entry}";
}

/// <summary>
/// Through which nodes the request came that work is done for. A store's contract knows no request, so the field goes with the flow of execution; whoever begins a fetch
/// lets it flow, which is what happens if nothing is done about it.
/// </summary>
internal static class OriginChain
{
    private static readonly AsyncLocal<string?> Field = new();

    /// <summary>The field as it came in; null for a request of a client.</summary>
    public static string? Current
    {
        get => Field.Value;
        set => Field.Value = value;
    }
}
