using System.Buffers.Text;
using System.Collections.Frozen;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace EdgeCache.Edge.Signing;

/// <summary>
/// The node's own kind: HMAC-SHA256 over a canonical text (docs/signed-urls.md). Every parameter is in the text, so none can be changed, left out or added; the rest of the
/// query is in it too, where a single path is signed.
/// </summary>
internal sealed class EdgeCacheSignature(SignedUrlTerms terms, IReadOnlyList<SecretKey> keys, SecretKey signer) : SignedUrlPolicy(terms)
{
    private const string Version = "EdgeCache-Signature-1";
    private const string KeyName = "ec-key";
    private const string MethodsName = "ec-methods";
    private const string ExpiresName = "ec-expires";
    private const string NotBeforeName = "ec-not-before";
    private const string ClientName = "ec-client";
    private const string PrefixName = "ec-prefix";
    private const string SignatureName = "ec-signature";

    /// <summary>Length of a MAC in base64url without padding.</summary>
    private const int SignatureLength = 43;

    private static readonly string[] Names = [KeyName, MethodsName, ExpiresName, NotBeforeName, ClientName, PrefixName, SignatureName];

    private readonly FrozenDictionary<string, SecretKey>.AlternateLookup<ReadOnlySpan<char>> _keys =
        keys.ToFrozenDictionary(k => k.Id, StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();

    private readonly SignatureMemory _memory = new();

    public override IReadOnlyList<string> Parameters => Names;

    protected override SignatureVerdict VerifySigned(in SignedRequest request, DateTimeOffset now)
    {
        var query = request.RawQuery;
        if (!Fields.TryRead(query, out var fields))
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
        if (!_memory.Knows(request.Target))
        {
            if (!IsOfKey(key, fields, path, fields.HasPrefix ? default : query))
                return SignatureFault.WrongSignature;
            _memory.Learn(request.Target);
        }

        // Signed by somebody who has the key: from here on every part can be believed, once it can be read.
        if (SignedMethodText.Read(fields.Methods) is var methods && methods == SignedMethods.None)
            return SignatureFault.Malformed;
        if (!TryReadSeconds(fields.Expires, out var expires))
            return SignatureFault.Malformed;
        if (!fields.Client.IsEmpty && (!ClientNetwork.TryParse(fields.Client, out var network) || !network.Contains(request.Address)))
            return SignatureFault.WrongClient;
        if (IsOver(expires, now))
            return SignatureFault.Expired;
        if (!fields.NotBefore.IsEmpty && (!TryReadSeconds(fields.NotBefore, out var begins) || IsAhead(begins, now)))
            return SignatureFault.NotYetValid;
        return new SignatureGrant(Name, key.Id, methods & Terms.Methods, expires, fields.Client.IsEmpty);
    }

    protected override SignedLink SignPlain(SigningRequest request, DateTimeOffset now)
    {
        if ((request.Methods & ~Terms.Methods) != SignedMethods.None || request.Methods == SignedMethods.None)
            throw new SigningException($"The policy signs for {SignedMethodText.Write(Terms.Methods)} only.");
        var question = request.Target.IndexOf('?', StringComparison.Ordinal);
        var path = question < 0 ? request.Target : request.Target[..question];
        var query = question < 0 ? "" : request.Target[(question + 1)..];
        var fields = new Fields
        {
            Key = signer.Id,
            Methods = SignedMethodText.Write(request.Methods),
            Expires = Seconds(request.Expires),
            NotBefore = request.NotBefore is { } begins ? Seconds(begins) : "",
            Client = request.Client?.Text ?? "",
            Prefix = request.Under?.Length.ToString(CultureInfo.InvariantCulture) ?? "",
        };
        using var text = Canonical(fields, request.Under ?? path, request.Under is null ? query : default);
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        signer.Sign(text.Bytes, mac);
        var signed = $"{KeyName}={fields.Key}&{MethodsName}={fields.Methods}&{ExpiresName}={fields.Expires}";
        if (!fields.NotBefore.IsEmpty)
            signed += $"&{NotBeforeName}={fields.NotBefore}";
        if (!fields.Client.IsEmpty)
            signed += $"&{ClientName}={fields.Client}";
        if (fields.HasPrefix)
            signed += $"&{PrefixName}={fields.Prefix}";
        signed += $"&{SignatureName}={Base64Url.EncodeToString(mac)}";
        return new SignedLink($"{Terms.PublicUrl}{request.Target}{(question < 0 ? '?' : '&')}{signed}", request.Expires, []);
    }

    /// <summary>Texts are compared, in constant time: one MAC has one text, where base64 read leniently has four.</summary>
    private bool IsOfKey(SecretKey key, in Fields fields, ReadOnlySpan<char> path, ReadOnlySpan<char> query)
    {
        using var text = Canonical(fields, path, query);
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        key.Sign(text.Bytes, mac);
        Span<char> expected = stackalloc char[SignatureLength];
        Base64Url.EncodeToChars(mac, expected);
        return CryptographicOperations.FixedTimeEquals(MemoryMarshal.AsBytes<char>(expected), MemoryMarshal.AsBytes(fields.Signature));
    }

    private CanonicalText Canonical(in Fields fields, ReadOnlySpan<char> path, ReadOnlySpan<char> query)
    {
        var text = new CanonicalText(512 + Terms.PublicUrl.Length + path.Length + query.Length);
        text.AppendLine(Version);
        text.AppendLine(fields.Key);
        text.AppendLine(fields.Methods);
        text.AppendLine(fields.Expires);
        text.AppendLine(fields.NotBefore);
        text.AppendLine(fields.Client);
        text.AppendLine(fields.Prefix);
        text.Append(Terms.PublicUrl);
        text.AppendLine(path);
        var any = false;
        foreach (var range in query.Split('&'))
        {
            var parameter = query[range];
            if (query.IsEmpty || QueryText.IsOneOf(QueryText.NameOf(parameter), Names))
                continue;

            // With a sign in front, so that one empty parameter is not the same as none.
            text.Append(any ? "&" : "?");
            text.Append(parameter);
            any = true;
        }
        return text;
    }

    private static bool TryReadLength(ReadOnlySpan<char> text, out int length)
    {
        length = 0;
        return text.Length is > 0 and <= 5 && text[0] != '0' && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out length);
    }

    /// <summary>The parameters, as they were sent.</summary>
    private ref struct Fields
    {
        public ReadOnlySpan<char> Key;
        public ReadOnlySpan<char> Methods;
        public ReadOnlySpan<char> Expires;
        public ReadOnlySpan<char> NotBefore;
        public ReadOnlySpan<char> Client;
        public ReadOnlySpan<char> Prefix;
        public ReadOnlySpan<char> Signature;

        public readonly bool HasPrefix => !Prefix.IsEmpty;

        /// <summary>Reads all parameters: each at most once, none empty, none but the first three and the signature left out.</summary>
        public static bool TryRead(ReadOnlySpan<char> query, out Fields fields)
        {
            fields = default;
            foreach (var range in query.Split('&'))
            {
                var parameter = query[range];
                if (!parameter.StartsWith("ec-", StringComparison.Ordinal))
                    continue;
                var value = QueryText.ValueOf(parameter);
                var taken = QueryText.NameOf(parameter) switch
                {
                    KeyName => Take(ref fields.Key, value),
                    MethodsName => Take(ref fields.Methods, value),
                    ExpiresName => Take(ref fields.Expires, value),
                    NotBeforeName => Take(ref fields.NotBefore, value),
                    ClientName => Take(ref fields.Client, value),
                    PrefixName => Take(ref fields.Prefix, value),
                    SignatureName => Take(ref fields.Signature, value),
                    _ => true,
                };
                if (!taken)
                    return false;
            }
            return !fields.Key.IsEmpty && !fields.Methods.IsEmpty && !fields.Expires.IsEmpty && fields.Signature.Length == SignatureLength;
        }

        private static bool Take(ref ReadOnlySpan<char> field, ReadOnlySpan<char> value)
        {
            if (!field.IsEmpty || value.IsEmpty)
                return false;
            field = value;
            return true;
        }
    }
}
