using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;
using EdgeCache.Client.Signing;
using EdgeCache.Edge.Signing;

namespace EdgeCache.Edge.Configuration;

/// <summary>Checks what is configured about signed addresses, reads the keys, and makes the policies of it.</summary>
internal static class SignedUrlSettings
{
    public const string Section = "EdgeCache:SignedUrls";

    private const int MaxNameLength = 64;
    private const int MaxKeys = 32;

    public static FrozenDictionary<string, SignedUrlPolicy> Build(IReadOnlyDictionary<string, SignedUrlOptions> options, FileSnapshots files, ConfigurationErrors errors)
    {
        var policies = new Dictionary<string, SignedUrlPolicy>(StringComparer.Ordinal);
        foreach (var (name, policy) in options)
        {
            if (TryBuild(name, policy, files, errors) is { } built)
                policies.Add(name, built);
        }
        return policies.ToFrozenDictionary(StringComparer.Ordinal);
    }

    private static SignedUrlPolicy? TryBuild(string name, SignedUrlOptions options, FileSnapshots files, ConfigurationErrors errors)
    {
        var section = $"{Section}:{name}";
        var before = errors.Messages.Count;
        if (!IsName(name))
            errors.AddKey(section, $"a policy has a name of 1 to {MaxNameLength} characters of A-Z, a-z, 0-9, '-' and '_'.");
        if (options.Kind is not ("edgecache" or "cloudfront" or "cloudflare"))
            errors.AddValue($"{section}:Kind", "must be edgecache, cloudfront or cloudflare.");
        if (options.Keys.Count is 0 or > MaxKeys)
            errors.AddKey($"{section}:Keys", $"must have 1 to {MaxKeys} keys.");
        foreach (var key in options.Keys.Keys.Where(k => !IsName(k)))
            errors.AddKey($"{section}:Keys:{key}", $"a key has a name of 1 to {MaxNameLength} characters of A-Z, a-z, 0-9, '-' and '_'.");
        if (options.Hash is not ("sha1" or "sha256"))
            errors.AddValue($"{section}:Hash", "must be sha1 or sha256.");
        if (!IsName(options.Parameter))
            errors.AddValue($"{section}:Parameter", $"must be 1 to {MaxNameLength} characters of A-Z, a-z, 0-9, '-' and '_'.");
        if (options.SignWith is { } signer && !options.Keys.ContainsKey(signer))
            errors.AddValue($"{section}:SignWith", $"there is no such key in {section}:Keys.{Suggestion.Sentence(Suggestion.Nearest(signer, options.Keys.Keys))}");
        var methods = ReadMethods(section, options, errors);
        var publicUrl = ReadPublicUrl(section, options, errors);
        if (errors.Messages.Count > before)
            return null;
        var terms = new SignedUrlTerms(name, publicUrl, options.ClockSkew, options.Lifetime, methods);
        return options.Kind == "cloudfront" ? BuildCloudFront(section, terms, options, files, errors) : BuildSecret(section, terms, options, files, errors);
    }

    private static SignedUrlPolicy? BuildSecret(string section, SignedUrlTerms terms, SignedUrlOptions options, FileSnapshots files, ConfigurationErrors errors)
    {
        var isOurs = options.Kind == "edgecache";
        var keys = new List<SecretKey>();
        foreach (var (id, key) in options.Keys)
        {
            if (ReadSecret($"{section}:Keys:{id}", key, isOurs ? 32 : 8, files, errors) is { } secret)
                keys.Add(new SecretKey(id, secret));
        }
        if (keys.Count < options.Keys.Count)
            return null;
        if (options.SignWith is null && keys.Count > 1)
        {
            errors.AddKey($"{section}:SignWith", "must be set where there are several keys: it says which of them new addresses are signed with.");
            return null;
        }
        var signer = keys.Find(k => k.Id == options.SignWith) ?? keys[0];
        return isOurs ? new EdgeCacheSignature(terms, keys, signer) : new CloudflareSignature(terms, keys, signer, options.Parameter, options.UrlSafe);
    }

    private static CloudFrontSignature? BuildCloudFront(string section, SignedUrlTerms terms, SignedUrlOptions options, FileSnapshots files, ConfigurationErrors errors)
    {
        var before = errors.Messages.Count;
        var keys = new List<PublicKeyVerifier>();
        var signers = new Dictionary<string, AsymmetricAlgorithm>(StringComparer.Ordinal);
        foreach (var (id, key) in options.Keys)
        {
            var name = $"{section}:Keys:{id}";
            if (key.Secret is not null || key.SecretFile is not null)
                errors.AddKey(name, "CloudFront's keys are pairs: give PublicKeyFile, and PrivateKeyFile where this node signs.");
            var privateKey = key.PrivateKeyFile is { } own ? ReadKey($"{name}:PrivateKeyFile", own, mustBePrivate: true, files, errors) : null;
            var publicKey = key.PublicKeyFile is { } other ? ReadKey($"{name}:PublicKeyFile", other, mustBePrivate: false, files, errors) : privateKey;
            if (key is { PublicKeyFile: null, PrivateKeyFile: null })
                errors.AddKey(name, "has neither PublicKeyFile nor PrivateKeyFile.");
            if (publicKey is not null)
                keys.Add(new PublicKeyVerifier(id, publicKey));
            if (privateKey is not null && publicKey is not null && !privateKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(publicKey.ExportSubjectPublicKeyInfo()))
                errors.AddValue($"{name}:PublicKeyFile", "is not the public key of PrivateKeyFile.");
            if (privateKey is not null)
                signers.Add(id, privateKey);
        }
        if (options.SignWith is { } named && !signers.ContainsKey(named))
            errors.AddValue($"{section}:SignWith", "the key has no PrivateKeyFile.");
        else if (options.SignWith is null && signers.Count > 1)
            errors.AddKey($"{section}:SignWith", "must be set where there are several private keys: it says which of them new addresses are signed with.");
        if (errors.Messages.Count > before)
            return null;
        var hash = options.Hash == "sha256" ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA1;
        var id2 = options.SignWith ?? signers.Keys.FirstOrDefault();
        return new CloudFrontSignature(terms, keys, id2 is null ? null : new CloudFrontSigner(id2, signers[id2], hash));
    }

    private static byte[]? ReadSecret(string name, SignedUrlKeyOptions key, int least, FileSnapshots files, ConfigurationErrors errors)
    {
        if (key.PublicKeyFile is not null || key.PrivateKeyFile is not null)
            errors.AddKey(name, "only CloudFront's keys are pairs: give Secret or SecretFile.");
        if (key.Secret is null == key.SecretFile is null)
        {
            errors.AddKey(name, "must have either Secret or SecretFile.");
            return null;
        }
        var secret = key.Secret;
        if (key.SecretFile is { } path)
        {
            var (content, fault) = files.Read(path);
            if (content is null)
            {
                errors.AddValue($"{name}:SecretFile", fault!);
                return null;
            }
            secret = Encoding.UTF8.GetString(content).Trim();
        }
        if (secret!.Length >= least)
            return Encoding.UTF8.GetBytes(secret);
        errors.AddKey(name, $"the secret has {secret.Length} characters; it must have at least {least}. One is made by: openssl rand -base64 32");
        return null;
    }

    private static AsymmetricAlgorithm? ReadKey(string name, string path, bool mustBePrivate, FileSnapshots files, ConfigurationErrors errors)
    {
        var (content, fault) = files.Read(path);
        if (content is null)
        {
            errors.AddValue(name, fault!);
            return null;
        }
        var pem = Encoding.UTF8.GetString(content);
        if (mustBePrivate && !pem.Contains("PRIVATE KEY-----", StringComparison.Ordinal))
        {
            errors.AddValue(name, "has no private key in PEM.");
            return null;
        }
        var key = Import(RSA.Create(), pem) ?? Import(ECDsa.Create(), pem);
        if (key is RSA { KeySize: >= 2048 and <= 8192 } || (key is ECDsa { KeySize: 256 } curve && IsP256(curve)))
            return key;
        errors.AddValue(name, key is null ? "has no key in PEM that can be read without a password." : "must be RSA with 2048 to 8192 bits, or EC on the curve P-256.");
        return null;
    }

    private static AsymmetricAlgorithm? Import(AsymmetricAlgorithm key, string pem)
    {
        try
        {
            key.ImportFromPem(pem);
            return key;
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            key.Dispose();
            return null;
        }
    }

    private static bool IsP256(ECDsa key) => key.ExportParameters(includePrivateParameters: false).Curve.Oid.Value == ECCurve.NamedCurves.nistP256.Oid.Value;

    private static SignedMethods ReadMethods(string section, SignedUrlOptions options, ConfigurationErrors errors)
    {
        var methods = SignedMethods.None;
        foreach (var name in options.Methods)
        {
            var method = SignedMethodText.Of(name);
            if (method == SignedMethods.None)
                errors.AddKey($"{section}:Methods", $"\"{name}\" must be one of {SignedMethodText.Names}.");
            methods |= method;
        }
        if (options.Methods.Count == 0)
            errors.AddKey($"{section}:Methods", "is empty: nothing could be signed.");
        return methods;
    }

    private static string ReadPublicUrl(string section, SignedUrlOptions options, ConfigurationErrors errors)
    {
        var name = $"{section}:PublicUrl";
        if (options.PublicUrl is not { } text)
        {
            if (options.Kind == "cloudfront")
                errors.AddKey(name, "must be set: CloudFront's signatures cover the whole address that clients use, such as https://d111111abcdef8.cloudfront.net.");
            return "";
        }
        if (Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri is { Scheme: "http" or "https", Query: "", Fragment: "", UserInfo: "" } && text.AsSpan().IndexOfAnyExceptInRange('!', '~') < 0 && !text.AsSpan().ContainsAny("\"\\?#*"))
            return text.TrimEnd('/');
        errors.AddValue(name, "must begin with http:// or https:// and a host, perhaps with a path; no query.");
        return "";
    }

    private static bool IsName(string text) => text.Length is > 0 and <= MaxNameLength && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');
}
