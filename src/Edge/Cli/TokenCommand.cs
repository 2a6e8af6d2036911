using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using EdgeCache.Edge.Access;
using EdgeCache.Edge.Configuration;

namespace EdgeCache.Edge.Cli;

/// <summary>
/// <c>edgecache token</c>: makes tokens, shows them and takes them away, in the list that a node reads. The node may be running; it takes a change up within a second. A token is shown once, when it is
/// made, and is never on a command line.
/// </summary>
internal sealed class TokenCommand(SettingFlags flags, ProcessContext process)
{
    /// <summary>What a token begins with, so that people and scanners for secrets know one when they see it.</summary>
    public const string Prefix = "ect_";

    private const int SecretLength = 32;

    private static readonly TimeSpan MostTime = TimeSpan.FromDays(3650);

    private readonly Argument<string> _name = new("name") { Description = "The token's name: 1 to 64 characters of A-Z, a-z, 0-9, '-', '_' and '.'" };
    private readonly Option<string[]> _scopes = Many("--scope", "SCOPE", $"What it allows: {string.Join(", ", ScopeNames.Known)}; several flags, or several words [default: read]");
    private readonly Option<string[]> _namespaces = Many("--namespace", "NAME", "Only in this namespace [default: in all]");
    private readonly Option<string[]> _tenants = Many("--tenant", "NAME", "Only of this tenant [default: of all]");
    private readonly Option<string[]> _prefixes = Many("--prefix", "TEXT", "Only keys that begin so [default: all]");
    private readonly Option<TimeSpan?> _expires = new("--expires-in") { HelpName = "TIME", Description = "For how long it is good, such as 12h or 90d [default: for ever]", CustomParser = TimeOf };
    private readonly Option<int> _requests = new("--requests-per-second") { HelpName = "N", Description = "Its own limit of requests [default: that of every principal]" };
    private readonly Option<int> _burst = new("--burst") { HelpName = "N", Description = "Requests that it may make at once [default: one second's worth]" };
    private readonly Option<long> _bytes = new("--bytes-per-second") { HelpName = "SIZE", Description = "Its own limit of content bytes, such as 50MB [default: that of every principal]", CustomParser = SizeOf };

    public Command Make()
    {
        var create = new Command("create", "Makes a token and prints it, this once") { _name, _scopes, _namespaces, _tenants, _prefixes, _expires, _requests, _burst, _bytes };
        create.SetAction((result, stop) => RunAsync(result, (options, end) => CreateAsync(options, result, end), stop));
        var list = new Command("list", "Shows all tokens: name, scopes, where they count, and until when");
        list.SetAction((result, stop) => RunAsync(result, ListAsync, stop));
        var revoke = new Command("revoke", "Takes a token away") { _name };
        revoke.SetAction((result, stop) => RunAsync(result, (options, end) => RevokeAsync(options, result.GetValue(_name)!, end), stop));
        return new Command("token", "Makes, shows and revokes tokens") { create, list, revoke };
    }

    private async Task<int> RunAsync(ParseResult result, Func<EdgeCacheOptions, CancellationToken, Task<int>> work, CancellationToken cancellationToken)
    {
        var loaded = await ConfigurationLoader.LoadAsync(flags.Read(result, process) with { TemporaryFolder = TemporaryFolder.Pattern }, cancellationToken);
        if (loaded.Configuration is not { } configuration)
            return await ErrorReport.WriteAsync(loaded.Errors, process.Error);
        try
        {
            return await work(configuration.Settings.Options, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return await FailAsync(e.Message);
        }
    }

    private async Task<int> CreateAsync(EdgeCacheOptions options, ParseResult result, CancellationToken cancellationToken)
    {
        var secret = Prefix + Convert.ToBase64String(RandomNumberGenerator.GetBytes(SecretLength)).TrimEnd('=').Replace('+', '-').Replace('/', '_');
        var now = TimeProvider.System.GetUtcNow();
        var limited = result.GetValue(_requests) != 0 || result.GetValue(_burst) != 0 || result.GetValue(_bytes) != 0;
        var entry = new TokenEntry
        {
            Name = result.GetValue(_name)!,
            Sha256 = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret))),
            Scopes = result.GetValue(_scopes) is { Length: > 0 } scopes ? [.. scopes.Distinct(StringComparer.Ordinal)] : ["read"],
            Namespaces = result.GetValue(_namespaces) ?? [],
            Tenants = result.GetValue(_tenants) ?? [],
            Prefixes = result.GetValue(_prefixes) ?? [],
            Created = now,
            Expires = result.GetValue(_expires) is { } time ? now + time : null,
            Limits = limited ? new TokenLimits { RequestsPerSecond = result.GetValue(_requests), Burst = result.GetValue(_burst), BytesPerSecond = result.GetValue(_bytes) } : null,
        };
        string? fault = null;
        await TokenListFile.ChangeAsync(options, list => TokenList.TryCreate([.. list.Tokens, entry], out fault) ?? throw new IOException($"The list {fault}"), cancellationToken);

        // The token alone on standard output, so that it can go straight into a file.
        await process.Error.WriteLineAsync($"The token '{entry.Name}' may {string.Join(", ", entry.Scopes)}. It is shown this once:");
        await process.Output.WriteLineAsync(secret);
        return ExitCode.Success;
    }

    private async Task<int> ListAsync(EdgeCacheOptions options, CancellationToken cancellationToken)
    {
        if (TokenListFile.TryRead(options, out var fault) is not { } list)
            return await FailAsync(fault!);
        var now = TimeProvider.System.GetUtcNow();
        string[][] rows = [["NAME", "SCOPES", "WHERE", "CREATED", "EXPIRES"], .. list.Tokens.Select(t => RowOf(t, now))];
        var widths = Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(r => r[column].Length)).ToArray();
        foreach (var row in rows)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await process.Output.WriteLineAsync(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
        }
        return ExitCode.Success;
    }

    private async Task<int> RevokeAsync(EdgeCacheOptions options, string name, CancellationToken cancellationToken)
    {
        await TokenListFile.ChangeAsync(options, list => Without(list, name), cancellationToken);
        await process.Error.WriteLineAsync($"The token '{name}' is revoked.");
        return ExitCode.Success;
    }

    private static TokenList Without(TokenList list, string name)
    {
        TokenEntry[] left = [.. list.Tokens.Where(t => t.Name != name)];
        if (left.Length == list.Tokens.Count)
            throw new IOException($"There is no token '{name}'.");
        return TokenList.TryCreate(left, out var fault) ?? throw new IOException(fault);
    }

    private static string[] RowOf(TokenEntry token, DateTimeOffset now) =>
    [
        token.Name,
        string.Join(',', token.Scopes),
        WhereOf(token),
        Text(token.Created),
        token.Expires switch
        {
            null => "never",
            { } end when end <= now => $"{Text(end)} (has expired)",
            { } end => Text(end),
        },
    ];

    private static string WhereOf(TokenEntry token)
    {
        string[] parts = [.. token.Namespaces.Select(n => $"namespace={n}"), .. token.Tenants.Select(t => $"tenant={t}"), .. token.Prefixes.Select(p => $"prefix={p}")];
        return parts.Length == 0 ? "everywhere" : string.Concat(string.Join(' ', parts).Select(c => char.IsControl(c) ? ' ' : c));
    }

    private static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);

    private async Task<int> FailAsync(string message)
    {
        await process.Error.WriteLineAsync($"edgecache: {message}");
        return ExitCode.Failure;
    }

    private static Option<string[]> Many(string name, string value, string help) => new(name) { HelpName = value, Description = help, AllowMultipleArgumentsPerToken = true };

    private static TimeSpan? TimeOf(System.CommandLine.Parsing.ArgumentResult argument)
    {
        if (Duration.TryParse(argument.Tokens[0].Value, out var time) && time > TimeSpan.Zero && time <= MostTime)
            return time;
        argument.AddError($"--expires-in takes a time such as 12h or 90d, up to {MostTime.TotalDays:0}d.");
        return null;
    }

    private static long SizeOf(System.CommandLine.Parsing.ArgumentResult argument)
    {
        if (ByteSize.TryParse(argument.Tokens[0].Value, out var size))
            return size.Bytes;
        argument.AddError("--bytes-per-second takes a size such as 1048576 or 50MB.");
        return 0;
    }
}
