using System.Collections.Frozen;
using System.Globalization;
using EdgeCache.Client.Signing;

namespace EdgeCache.Edge.Signing;

/// <summary>The node's own kind: HMAC-SHA256 over a canonical text, which is the client library's (<see cref="OwnSignature"/>).</summary>
internal sealed class EdgeCacheSignature(SignedUrlTerms terms, IReadOnlyList<SecretKey> keys, SecretKey signer) : SignedUrlPolicy(terms)
{
    private readonly FrozenDictionary<string, SecretKey>.AlternateLookup<ReadOnlySpan<char>> _keys =
        keys.ToFrozenDictionary(k => k.Id, StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();

    public override IReadOnlyList<string> Parameters => OwnFields.Names;

    protected override SignatureFault Read(in SignedRequest request, out SignedStatement statement)
    {
        statement = null!;
        var query = request.RawQuery;
        if (!OwnFields.TryRead(query, out var fields))
            return SignatureFault.Malformed;
        if (!_keys.TryGetValue(fields.Key, out var key))
            return SignatureFault.UnknownKey;
        var path = request.RawPath;
        if (fields.HasPrefix)
        {
            // What is covered ends with a '/', so that a folder is signed and not the beginning of a name.
            if (!TryReadLength(fields.Prefix, out var length) || length > path.Length || path[length - 1] != '/')
                return SignatureFault.Malformed;
            path = path[..length];
        }
        if (!OwnSignature.IsOf(key, Terms.PublicUrl, fields, path, fields.HasPrefix ? default : query))
            return SignatureFault.WrongSignature;

        // Signed by somebody who has the key: from here on every part can be believed, once it can be read.
        if (SignedMethodText.Read(fields.Methods) is var methods && methods == SignedMethods.None)
            return SignatureFault.Malformed;
        if (!TryReadSeconds(fields.Expires, out var expires))
            return SignatureFault.Malformed;
        DateTimeOffset begins = default;
        if (!fields.NotBefore.IsEmpty && !TryReadSeconds(fields.NotBefore, out begins))
            return SignatureFault.Malformed;
        ClientNetwork? network = null;
        if (!fields.Client.IsEmpty && !ClientNetwork.TryParse(fields.Client, out network))
            return SignatureFault.Malformed;
        statement = new SignedStatement(new SignatureGrant(Name, key.Id, methods & Terms.Methods, expires, network is null), fields.NotBefore.IsEmpty ? null : begins, network);
        return SignatureFault.None;
    }

    protected override SignedLink SignPlain(SigningRequest request, DateTimeOffset now)
    {
        if ((request.Methods & ~Terms.Methods) != SignedMethods.None)
            throw new SigningException($"The policy signs for {SignedMethodText.Write(Terms.Methods)} only.");
        return new SignedLink(OwnSignature.Sign(signer, Terms.PublicUrl, request), request.Expires, []);
    }

    private static bool TryReadLength(ReadOnlySpan<char> text, out int length)
    {
        length = 0;
        return text.Length is > 0 and <= 5 && text[0] != '0' && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out length);
    }
}
