using EdgeCache.Storage;

namespace EdgeCache.Edge.Configuration;

/// <summary>The rules that one value alone can't break. Also run over the mix of new and kept values at a reload.</summary>
internal static class OptionRules
{
    private const int MaxTokenLength = 1024;

    public static void Check(EdgeCacheOptions options, string? token, ConfigurationErrors errors)
    {
        CheckListen(options, token is not null, errors);
        CheckTls(options.Tls, errors);
        CheckStorage(options.Storage, errors);
        S3Settings.Check(options.Storage.S3, errors);
        OriginSettings.Check(options.Storage, errors);
        foreach (var (name, space) in options.Namespaces)
            CheckNamespace(name, space, errors);
        for (var i = 0; i < options.Access.AllowedHosts.Count; i++)
        {
            if (Uri.CheckHostName(options.Access.AllowedHosts[i].Trim('[', ']')) == UriHostNameType.Unknown)
                errors.AddKey("EdgeCache:Access:AllowedHosts", $"\"{options.Access.AllowedHosts[i]}\" must be a host name or an IP address, without scheme and port.");
        }
    }

    /// <summary>Says what is wrong with a token; it goes into a header, so it must fit into one.</summary>
    public static string? CheckToken(string token) => token.Length > MaxTokenLength
        ? $"has {token.Length} characters; a token has at most {MaxTokenLength}."
        : token.AsSpan().ContainsAnyExceptInRange('!', '~') ? "has white space, a line break or a character outside ASCII, which can't be sent in a header." : null;

    private static void CheckListen(EdgeCacheOptions options, bool hasToken, ConfigurationErrors errors)
    {
        var listen = options.Listen;
        if (!ListenAddress.TryParse(listen.Host, out var main))
        {
            errors.AddValue("EdgeCache:Listen:Host", "must be an IP address, localhost, or * for all addresses.");
        }
        else
        {
            if (main.IsLocalhost && listen.Port == 0)
                errors.AddValue("EdgeCache:Listen:Port", "a port that the system chooses needs an IP address as host, such as 127.0.0.1.");
            if (!main.IsLoopback && !hasToken && !options.Access.AllowAnonymous)
            {
                errors.AddValue(
                    "EdgeCache:Listen:Host",
                    "everybody who reaches this address could read and write. Set a token (BUILDER_CACHE_SERVER_AUTH_TOKEN_FILE or --auth-token-file), listen on 127.0.0.1, or allow it by name (EdgeCache:Access:AllowAnonymous or --allow-anonymous).");
            }
        }
        CheckManagement(listen, errors);
    }

    private static void CheckManagement(ListenOptions listen, ConfigurationErrors errors)
    {
        const string Key = "EdgeCache:Listen:Management";
        if (listen.Management is null)
            return;
        if (!ListenAddress.TryParseEndPoint(listen.Management, out _, out var port))
            errors.AddValue(Key, "must be an address and a port from 1 to 65535, such as 127.0.0.1:9090 or [::1]:9090.");

        // The port of a connection tells whether it came in on this listener, so another address alone would not do.
        else if (port == listen.Port)
            errors.AddValue(Key, $"has the port of the main listener ({listen.Host}:{listen.Port}). Use another port, or remove it to serve health and metrics on the main listener.");
    }

    private static void CheckTls(TlsOptions tls, ConfigurationErrors errors)
    {
        if (tls is { Certificate: not null, Key: null })
            errors.AddValue("EdgeCache:Tls:Certificate", "has no private key. Set EdgeCache:Tls:Key (--tls-key) too.");
        if (tls is { Certificate: null, Key: not null })
            errors.AddValue("EdgeCache:Tls:Key", "has no certificate. Set EdgeCache:Tls:Certificate (--tls-cert) too.");
    }

    private static void CheckStorage(StorageOptions storage, ConfigurationErrors errors)
    {
        const string Key = "EdgeCache:Storage:Path";
        if (storage.Path is null)
            errors.AddKey(Key, "is not set, and there is no user data folder (neither XDG_DATA_HOME nor HOME is an absolute path). Set it (BUILDER_CACHE_SERVER_STORAGE or --storage).");
        else if (File.Exists(storage.Path))
            errors.AddValue(Key, "is a file; it must be a folder. It is created when it is not there.");
    }

    private static void CheckNamespace(string name, NamespaceOptions space, ConfigurationErrors errors)
    {
        var key = $"EdgeCache:Namespaces:{name}";
        if (!BlobKey.IsLabel(name))
            errors.AddKey(key, $"a namespace has a name of 1 to {BlobKey.MaxLabelLength} characters of a-z, 0-9 and '-'.");
        if (space is { Verified: true, Replaceable: true })
            errors.AddValue($"{key}:Replaceable", "can't go with Verified: the key is the digest of the content, so there is never other content for it. Remove one of the two.");
        if (space.Write is not ("through" or "back"))
            errors.AddValue($"{key}:Write", "must be through or back.");
        if (space is { Write: "back", Verified: false, Replaceable: false })
            errors.AddValue($"{key}:Write", "back needs Verified or Replaceable: of two nodes that write different bytes under one key, only the far store can say which was first.");
        if (space.Compression is not ("auto" or "off"))
            errors.AddValue($"{key}:Compression", "must be auto or off.");
        if (space.WhenUnavailable is not (null or "error" or "miss"))
            errors.AddValue($"{key}:WhenUnavailable", "must be error or miss.");
        if (space is { Verified: true, SlashInKeys: true })
            errors.AddValue($"{key}:SlashInKeys", "can't go with Verified: the key is a digest and never has a '/'. Remove one of the two.");
    }
}
