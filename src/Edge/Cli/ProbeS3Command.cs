using System.CommandLine;
using EdgeCache.Edge.Configuration;
using EdgeCache.Storage.S3;

namespace EdgeCache.Edge.Cli;

/// <summary><c>edgecache probe-s3</c>: tells what the configured bucket's server can do, by doing it. Serves nothing and opens no local store.</summary>
internal sealed class ProbeS3Command
{
    private static readonly (string Name, string Key, string Value, string Help)[] Table =
    [
        ("--endpoint", "Endpoint", "URL", "Address of the server, such as http://127.0.0.1:9000 [default: AWS]"),
        ("--region", "Region", "REGION", "Region that requests are signed for [default: us-east-1]"),
        ("--bucket", "Bucket", "NAME", "The bucket"),
        ("--prefix", "Prefix", "TEXT", "How all object names begin"),
        ("--addressing", "Addressing", "STYLE", "Where the bucket's name goes: path, host or auto [default: auto]"),
        ("--access-key-file", "AccessKeyFile", "FILE", "File with the access key"),
        ("--secret-key-file", "SecretKeyFile", "FILE", "File with the secret key"),
        ("--profile", "Profile", "NAME", "Profile of the AWS configuration files"),
        ("--ca-file", "CaFile", "FILE", "PEM file with the issuer of the server's certificate"),
    ];

    private readonly (Option<string> Option, string Key)[] _flags =
        [.. Table.Select(f => (new Option<string>(f.Name) { HelpName = f.Value, Description = f.Help }, $"{S3Settings.Section}:{f.Key}"))];

    public Command Build(SettingFlags flags, ProcessContext process)
    {
        var command = new Command("probe-s3", "Tells what an S3 server can do for this node, and what is wrong when it can't be used");
        foreach (var (option, _) in _flags)
            command.Options.Add(option);
        command.SetAction((result, stop) => RunAsync(Read(flags.Read(result, process), result), process, stop));
        return command;
    }

    private ConfigurationSources Read(ConfigurationSources sources, ParseResult result)
    {
        var values = new Dictionary<string, ConfigurationValue>(sources.Flags, StringComparer.OrdinalIgnoreCase);
        foreach (var (option, key) in _flags)
        {
            if (result.GetValue(option) is { } text)
                values[key] = new ConfigurationValue(text, $"flag {option.Name}", ConfigurationLayer.Flag);
        }
        return sources with { Flags = values };
    }

    private static async Task<int> RunAsync(ConfigurationSources sources, ProcessContext process, CancellationToken cancellationToken)
    {
        var result = await ConfigurationLoader.LoadAsync(sources, cancellationToken);
        if (result.Configuration is not { } configuration)
            return await ErrorReport.WriteAsync(result.Errors, process.Error);
        var errors = new List<string>();
        if (S3Settings.Build(configuration.Settings.Options.Storage.S3, new FileSnapshots(), errors) is not { } options)
            return await ErrorReport.WriteAsync(errors, process.Error);
        try
        {
            var report = await S3Probe.RunAsync(options, sources.Time, cancellationToken);
            await WriteAsync(report, options, process.Output);
            return report.IsUsable ? ExitCode.Success : ExitCode.Failure;
        }
        catch (IOException e)
        {
            await process.Error.WriteLineAsync($"edgecache: {e.Message}");
            return ExitCode.Failure;
        }
    }

    private static async Task WriteAsync(S3ProbeReport report, S3StoreOptions options, TextWriter output)
    {
        await output.WriteLineAsync($"server   {options.Endpoint?.GetLeftPart(UriPartial.Authority) ?? "AWS"}, region {options.Region}, bucket in the {(options.PathStyle ? "path" : "host name")}");
        await output.WriteLineAsync($"bucket   {options.Bucket}{(options.Prefix.Length > 0 ? $", names begin with {options.Prefix}" : "")}");
        await output.WriteLineAsync($"keys     {Credentials(options)}");
        await output.WriteLineAsync();
        var width = report.Steps.Max(s => s.Name.Length);
        foreach (var step in report.Steps)
            await output.WriteLineAsync($"{Word(step.Result),-4} {step.Name.PadRight(width)} {step.Time.TotalMilliseconds,6:0} ms  {step.Detail}".TrimEnd());
        await output.WriteLineAsync();
        await output.WriteLineAsync(Conclusion(report));
    }

    private static string Credentials(S3StoreOptions options)
    {
        var from = options.AccessKey is not null ? $"from the configuration{(options.SessionToken is null ? "" : ", with a session token")}"
            : options.Profile is { } profile ? $"of the profile {profile}" : "found where the AWS tools look";
        return options.RoleArn is { } role ? $"{from}, for the role {role}" : from;
    }

    private static string Conclusion(S3ProbeReport report)
    {
        if (!report.IsUsable)
            return "This bucket can't be used like this.";
        return report.Steps.Any(s => s.Result == S3ProbeResult.Lacking)
            ? "This bucket can be used. What it lacks (--) is done without, at the price that is said."
            : "This bucket can be used, for everything.";
    }

    private static string Word(S3ProbeResult result) => result switch
    {
        S3ProbeResult.Good => "ok",
        S3ProbeResult.Lacking => "--",
        _ => "FAIL",
    };
}
