namespace EdgeCache.Client.Signing;

/// <summary>The parameters of a signature of EdgeCache's own kind, as they are sent (docs/signed-urls.md).</summary>
internal ref struct OwnFields
{
    /// <summary>How the names of all of them begin.</summary>
    private const string Beginning = "ec-";

    public const string KeyName = "ec-key";
    public const string MethodsName = "ec-methods";
    public const string ExpiresName = "ec-expires";
    public const string NotBeforeName = "ec-not-before";
    public const string ClientName = "ec-client";
    public const string PrefixName = "ec-prefix";
    public const string SignatureName = "ec-signature";

    public ReadOnlySpan<char> Key;
    public ReadOnlySpan<char> Methods;
    public ReadOnlySpan<char> Expires;
    public ReadOnlySpan<char> NotBefore;
    public ReadOnlySpan<char> Client;
    public ReadOnlySpan<char> Prefix;
    public ReadOnlySpan<char> Signature;

    /// <summary>The names of all of them.</summary>
    public static string[] Names { get; } = [KeyName, MethodsName, ExpiresName, NotBeforeName, ClientName, PrefixName, SignatureName];

    /// <summary>Whether a parameter is the signature's own.</summary>
    public static bool IsOne(ReadOnlySpan<char> parameter) => parameter.StartsWith(Beginning, StringComparison.Ordinal) && QueryText.IsOneOf(QueryText.NameOf(parameter), Names);

    public readonly bool HasPrefix => !Prefix.IsEmpty;

    /// <summary>Reads all parameters: each at most once, none empty, none but the first three and the signature left out.</summary>
    public static bool TryRead(ReadOnlySpan<char> query, out OwnFields fields)
    {
        fields = default;
        foreach (var range in query.Split('&'))
        {
            var parameter = query[range];
            if (!parameter.StartsWith(Beginning, StringComparison.Ordinal))
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
        return !fields.Key.IsEmpty && !fields.Methods.IsEmpty && !fields.Expires.IsEmpty && fields.Signature.Length == OwnSignature.Length;
    }

    private static bool Take(ref ReadOnlySpan<char> field, ReadOnlySpan<char> value)
    {
        if (!field.IsEmpty || value.IsEmpty)
            return false;
        field = value;
        return true;
    }
}
