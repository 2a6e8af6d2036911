using System.Security.Cryptography;

namespace EdgeCache.Edge.Origins;

/// <summary>
/// This node among others: how it marks the requests that it makes on behalf of others, in CDN-Loop (RFC 8586) and in Via (RFC 9110, section 7.6.3). Another one at each start.
/// </summary>
internal sealed class NodeIdentity
{
    public const string Field = "CDN-Loop";

    /// <summary>Most nodes that a request may have come through.</summary>
    public const int MaxHops = 10;

    /// <summary>Longest field that is passed on, in characters.</summary>
    public const int MaxFieldLength = 2048;

    /// <summary>How the names of nodes in Via begin. They say nothing of where a node is: an origin need not know what is before it.</summary>
    private const string Product = "edgecache-";

    private readonly string _id = RandomNumberGenerator.GetHexString(16, lowercase: true);

    /// <summary>This node's entry in CDN-Loop.</summary>
    public string Entry => $"edgecache; id={_id}";

    /// <summary>Whether a request has come through this node before, as either field says it.</summary>
    public bool IsIn(string? field) => field?.Contains(_id, StringComparison.Ordinal) == true;

    /// <summary>Whether a Via tells of a node: not only of proxies, which forward and keep nobody waiting for anybody else.</summary>
    public static bool TellsOfNode(string via) => via.Contains(Product, StringComparison.Ordinal);

    /// <summary>The CDN-Loop of a request to an origin: where the request came through that it is made for, and this node.</summary>
    public string AppendLoop(RequestPath? path) => path?.Loop is { } loop ? $"{loop}, {Entry}" : Entry;

    /// <summary>The Via of a request to an origin: where the request came through that it is made for, and in which version of HTTP it came to this node; 1.1 where there was none.</summary>
    public string AppendVia(RequestPath? path)
    {
        var own = $"{path?.Version ?? "1.1"} {Product}{_id}";
        return path?.Via is { } via ? $"{via}, {own}" : own;
    }
}
