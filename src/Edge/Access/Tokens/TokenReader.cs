using System.Buffers;
using System.Text;
using Microsoft.Extensions.Primitives;

namespace EdgeCache.Edge.Access;

/// <summary>
/// Knows the holders of tokens: sent as a bearer token (RFC 6750) or as the password of basic authentication (RFC 7617), whatever the user name. The same is
/// done for a token that is known and for one that is not, so that the time tells nothing.
/// </summary>
internal sealed class TokenReader(TokenDirectory directory, TimeProvider time) : ICredentialReader
{
    private const string BearerScheme = "Bearer ";
    private const string BasicScheme = "Basic ";

    /// <summary>Longest credentials that are looked at, in characters.</summary>
    private const int MaxLength = 8 * 1024;

    /// <summary>Whether somebody must say who they are: where there are no tokens, nobody can.</summary>
    public bool AreRequired => directory.Current.AreRequired;

    public CredentialAnswer Read(HttpContext context)
    {
        var table = directory.Current;
        var authorization = context.Request.Headers.Authorization;
        if (!table.AreRequired || authorization.Count == 0)
            return CredentialAnswer.None;
        if (authorization is not [{ Length: <= MaxLength } header])
            return CredentialAnswer.Refused;
        var memory = context.Features.Get<ConnectionMemory>();
        Principal? principal = null;
        if (memory is null || memory.Recall(table, header, out principal) == Recollection.New)
        {
            principal = Find(table, header);
            memory?.Remember(table, header, principal);
        }
        return principal is null || principal.HasExpired(time) ? CredentialAnswer.Refused : CredentialAnswer.Of(principal);
    }

    /// <summary>Whether the header of a request has been looked at before; null when there is none that counts here.</summary>
    public Recollection? Recall(HttpContext context)
    {
        var table = directory.Current;
        var authorization = context.Request.Headers.Authorization;
        if (!table.AreRequired || authorization is not [{ } header])
            return null;
        return context.Features.Get<ConnectionMemory>()?.Recall(table, header, out _) ?? Recollection.New;
    }

    /// <summary>The principal of a header, or null when the credentials are missing, wrong or expired.</summary>
    internal Principal? Find(StringValues authorization)
    {
        var found = authorization is [{ Length: <= MaxLength } header] ? Find(directory.Current, header) : null;
        return found?.HasExpired(time) == false ? found : null;
    }

    private static Principal? Find(TokenTable table, string header)
    {
        if (header.StartsWith(BearerScheme, StringComparison.OrdinalIgnoreCase))
            return FindBearer(table, header.AsSpan(BearerScheme.Length).Trim(' '));
        if (header.StartsWith(BasicScheme, StringComparison.OrdinalIgnoreCase))
            return FindBasic(table, header.AsSpan(BasicScheme.Length).Trim(' '));
        return null;
    }

    private static Principal? FindBearer(TokenTable table, ReadOnlySpan<char> token)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(token.Length));
        var length = Encoding.UTF8.GetBytes(token, bytes);
        var principal = table.Find(bytes.AsSpan(0, length));
        ArrayPool<byte>.Shared.Return(bytes, clearArray: true);
        return principal;
    }

    private static Principal? FindBasic(TokenTable table, ReadOnlySpan<char> encoded)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(encoded.Length);
        try
        {
            if (!Convert.TryFromBase64Chars(encoded, bytes, out var length))
                return null;
            var colon = bytes.AsSpan(0, length).IndexOf((byte)':');
            return colon < 0 ? null : table.Find(bytes.AsSpan(0, length)[(colon + 1)..]);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes, clearArray: true);
        }
    }
}
