using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Limits;

namespace EdgeCache.Edge.Access;

/// <summary>
/// All tokens of one moment by their digests: the one of the configuration and those of the list. SHA-256 and no slow password hash: a token has 256 random bits, which
/// nobody finds by trying, however fast a try is; and a slow hash at every new connection would be a way to keep the node busy.
/// </summary>
internal sealed class TokenTable
{
    /// <summary>The name of whoever holds the one token of the configuration.</summary>
    public const string ConfiguredName = "token";

    // What is looked at where nothing is found, so that both take the same time. No token has this digest.
    private static readonly Known Nobody = new(new byte[SHA256.HashSizeInBytes], null);

    // By the first half of the digest. Whoever sends a token can't choose its digest, so the time of this look-up tells nothing.
    private readonly Dictionary<UInt128, Known> _known = [];

    public TokenTable(EdgeSettings settings, TokenList list)
    {
        Settings = settings;
        List = list;
        foreach (var entry in list.Tokens)
            Add(Convert.FromHexString(entry.Sha256), PrincipalOf(entry));
        if (settings.Token is { } token)
            Add(SHA256.HashData(Encoding.UTF8.GetBytes(token)), new Principal(ConfiguredName) { Scopes = Scopes.All, IdentifiedBy = "token" });
    }

    public EdgeSettings Settings { get; }

    public TokenList List { get; }

    /// <summary>Whether somebody must say who they are. An empty list does not open the node: somebody took the last token away.</summary>
    public bool AreRequired => Settings.Token is not null || List.IsThere;

    /// <summary>Who holds a token; null for nobody.</summary>
    public Principal? Find(ReadOnlySpan<byte> token)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(token, digest);
        var known = _known.GetValueOrDefault(KeyOf(digest)) ?? Nobody;
        return CryptographicOperations.FixedTimeEquals(digest, known.Digest) ? known.Principal : null;
    }

    private static UInt128 KeyOf(ReadOnlySpan<byte> digest) => BinaryPrimitives.ReadUInt128LittleEndian(digest);

    private static Principal PrincipalOf(TokenEntry entry) => new(entry.Name)
    {
        Scopes = ScopeNames.TryParse(entry.Scopes) ?? Scopes.None,
        Reach = new Reach { Namespaces = entry.Namespaces, Tenants = entry.Tenants, Prefixes = entry.Prefixes },
        Expires = entry.Expires,
        Limits = entry.Limits is { } limits ? new Rate(limits.RequestsPerSecond, limits.Burst, limits.BytesPerSecond) : null,
        IdentifiedBy = "token",
    };

    private void Add(byte[] digest, Principal principal) => _known[KeyOf(digest)] = new Known(digest, principal);

    private sealed record Known(byte[] Digest, Principal? Principal);
}
