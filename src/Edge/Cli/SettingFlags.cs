using System.CommandLine;
using EdgeCache.Edge.Configuration;

namespace EdgeCache.Edge.Cli;

/// <summary>
/// The flags, each a short name for one configuration key. Values stay text here: the loader reads them together with all other layers, so that
/// every error is reported the same way and at once. No flag takes a secret: command lines are visible to everybody on the machine.
/// </summary>
internal sealed class SettingFlags
{
    private static readonly (string Name, string Key, string Value, string Help)[] Table =
    [
        ("--host", "EdgeCache:Listen:Host", "ADDRESS", "Address to listen on: an IP address, localhost, or * for all [default: 127.0.0.1]"),
        ("--port", "EdgeCache:Listen:Port", "PORT", "TCP port; 0 lets the system choose [default: 8080]"),
        ("--management", "EdgeCache:Listen:Management", "ADDRESS:PORT", "Own listener for health and metrics [default: the main one]"),
        ("--storage", "EdgeCache:Storage:Path", "FOLDER", "Folder of the store [default: edgecache in the user's data folder]"),
        ("--max-size", "EdgeCache:Storage:MaxSize", "SIZE", "Disk space the store may take, such as 500GB [default: 10 GiB]"),
        ("--auth-token-file", "EdgeCache:Access:TokenFile", "FILE", "File with the token that clients must send [default: no token]"),
        ("--tls-cert", "EdgeCache:Tls:Certificate", "FILE", "PEM file with the certificate and its intermediates [default: no TLS]"),
        ("--tls-key", "EdgeCache:Tls:Key", "FILE", "PEM file with the private key"),
    ];

    private readonly Option<string> _config = new("--config") { HelpName = "FILE", Description = "JSON file with the configuration", Recursive = true };
    private readonly Option<bool> _anonymous = Switch("--allow-anonymous", "Listen beyond this machine without a token: everybody may read and write");
    private readonly Option<bool> _production = Switch(Presets.Production, "Defaults for a server: all addresses, /var/cache/edgecache, 100 GB, JSON logs");
    private readonly Option<bool> _testMode = Switch(Presets.TestMode, "Defaults for a try: token test-token and a store that is removed at the end");
    private readonly (Option<string> Option, string Key)[] _values =
        [.. Table.Select(f => (new Option<string>(f.Name) { HelpName = f.Value, Description = f.Help, Recursive = true }, f.Key))];

    public void AddTo(Command command)
    {
        command.Options.Add(_config);
        foreach (var (option, _) in _values)
            command.Options.Add(option);
        command.Options.Add(_anonymous);
        command.Options.Add(_production);
        command.Options.Add(_testMode);
    }

    public ConfigurationSources Read(ParseResult result, ProcessContext process)
    {
        var flags = new Dictionary<string, ConfigurationValue>(StringComparer.OrdinalIgnoreCase);
        foreach (var (option, key) in _values)
        {
            if (result.GetValue(option) is { } text)
                flags[key] = new ConfigurationValue(text, $"flag {option.Name}", ConfigurationLayer.Flag);
        }
        if (result.GetResult(_anonymous) is { Implicit: false })
            flags["EdgeCache:Access:AllowAnonymous"] = new ConfigurationValue(result.GetValue(_anonymous) ? "true" : "false", $"flag {_anonymous.Name}", ConfigurationLayer.Flag);
        return new ConfigurationSources
        {
            BaseDirectory = process.BaseDirectory,
            CurrentDirectory = process.CurrentDirectory,
            Environment = process.Environment,
            ConfigFile = result.GetValue(_config),
            Presets = [.. new[] { _production, _testMode }.Where(result.GetValue).Select(p => p.Name)],
            Flags = flags,
        };
    }

    private static Option<bool> Switch(string name, string help) => new(name) { Description = help, Recursive = true };
}
