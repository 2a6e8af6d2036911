using EdgeCache.Client.Signing;

namespace EdgeCache.Edge.Signing;

/// <summary>What an address says, once its signature was found to be one of a key: the same for every request that it comes with.</summary>
/// <param name="Grant">What it allows.</param>
/// <param name="NotBefore">When its time begins; null for at once.</param>
/// <param name="Client">Who may use it; null for anybody.</param>
/// <param name="IsInAddress">Whether the address says all this; it may be in cookies instead.</param>
internal sealed record SignedStatement(SignatureGrant Grant, DateTimeOffset? NotBefore, ClientNetwork? Client, bool IsInAddress = true);
