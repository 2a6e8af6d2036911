using System.CommandLine;
using EdgeCache.Client.Signing;
using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Signing;

namespace EdgeCache.Edge.Cli;

/// <summary><c>edgecache sign</c>: makes a signed address. The keys are the configuration's, and never on the command line, which everybody on the machine can read.</summary>
internal sealed class SignCommand
{
    private readonly Argument<string> _path = new("path") { Description = "The path as in the URL, such as /artifacts/app.tar, with its query if there is one" };
    private readonly Option<string> _policy = new("--policy") { HelpName = "NAME", Description = "Policy of EdgeCache:SignedUrls [default: the only one]" };
    private readonly Option<string[]> _methods = new("--method") { HelpName = "METHOD", Description = "Method that it is good for; may be given several times [default: GET and HEAD]" };
    private readonly Option<string> _validFor = new("--valid-for") { HelpName = "TIME", Description = "How long it is good, such as 30m or 2h [default: the policy's Lifetime]" };
    private readonly Option<string> _notBefore = new("--not-before") { HelpName = "TIME", Description = "When it begins to be good, such as 2026-11-30T08:00:00Z [default: now]" };
    private readonly Option<string> _client = new("--client") { HelpName = "NETWORK", Description = "The only address or network that may use it [default: anybody]" };
    private readonly Option<string> _under = new("--under") { HelpName = "PATH", Description = "Beginning of the path, with '/' at its end, below which it is good for everything" };
    private readonly Option<bool> _cookies = new("--cookies") { Description = "Print the signature as cookies, one a line (CloudFront)" };

    public Command Make(SettingFlags flags, ProcessContext process)
    {
        var sign = new Command("sign", "Makes a signed address with a key of the configuration")
        {
            Arguments = { _path },
            Options = { _policy, _methods, _validFor, _notBefore, _client, _under, _cookies },
        };
        sign.SetAction((result, stop) => RunAsync(flags.Read(result, process), result, process, stop));
        return sign;
    }

    private async Task<int> RunAsync(ConfigurationSources sources, ParseResult arguments, ProcessContext process, CancellationToken cancellationToken)
    {
        var result = await ConfigurationLoader.ReloadAsync(sources with { TemporaryFolder = TemporaryFolder.Pattern }, cancellationToken);
        if (result.Configuration is not { } configuration)
            return await ErrorReport.WriteAsync(result.Errors, process.Error);
        try
        {
            var policies = configuration.Settings.SignedUrls;
            var name = arguments.GetValue(_policy) ?? (policies.Count == 1 ? policies.Keys[0] : throw new SigningException($"--policy must say which policy signs: {string.Join(", ", policies.Keys.Order(StringComparer.Ordinal))}."));
            if (!policies.TryGetValue(name, out var policy))
                throw new SigningException($"There is no policy \"{name}\" in {SignedUrlSettings.Section}.{Suggestion.Sentence(Suggestion.Nearest(name, policies.Keys))}");
            var now = sources.Time.GetUtcNow();
            var texts = new SigningTexts(arguments.GetValue(_path)!, arguments.GetValue(_methods) ?? [], arguments.GetValue(_validFor), arguments.GetValue(_notBefore), arguments.GetValue(_client), arguments.GetValue(_under));
            var link = policy.Sign(SigningTerms.Read(texts, policy.Lifetime, now), now);
            if (!arguments.GetValue(_cookies))
                await process.Output.WriteLineAsync(link.Url);
            else if (link.Cookies.Count == 0)
                throw new SigningException("Only CloudFront has signed cookies.");
            foreach (var (cookie, value) in arguments.GetValue(_cookies) ? link.Cookies : [])
                await process.Output.WriteLineAsync($"{cookie}={value}");
            return ExitCode.Success;
        }
        catch (SigningException e)
        {
            await process.Error.WriteLineAsync($"edgecache: {e.Message}");
            return ExitCode.Failure;
        }
    }
}
