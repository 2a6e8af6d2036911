using System.CommandLine;
using System.CommandLine.Parsing;
using EdgeCache.Bench.Peers.Load;

namespace EdgeCache.Bench.Peers;

/// <summary>The options of a comparison, and the mode <c>bare</c> that runs the baseline program alone.</summary>
internal static class CommandLine
{
    private static readonly Option<string> Only = new("--only") { Description = "Only this comparison: hits, zipf (hits on many keys), puts or compression (of EdgeCache with itself). Default: hits and puts." };
    private static readonly Option<int> Seconds = Whole("--seconds", "Seconds of each measured run, 1 to 600.", 5, 600);
    private static readonly Option<int> Warmup = Whole("--warmup", "Seconds of the unmeasured run before each case, 1 to 600.", 3, 600);
    private static readonly Option<int> Rounds = Whole("--rounds", "Measured runs of each contender, taking turns; medians are reported, 1 to 99.", 5, 99);
    private static readonly Option<int> Batch = Whole("--batch", "Bodies for each sync, 1 to 1024.", 32, 1024);
    private static readonly Option<int> WorkingSet = Whole("--working-set", "MiB of all bodies together where hits are on many keys, 1 to 65536.", 1024, 65_536);
    private static readonly Option<string?> Executable = new("--edgecache") { Description = "This executable instead of a fresh publish of src/Edge." };
    private static readonly Option<FileInfo?> Content = new("--content") { Description = "Bodies are made of this file, over and over, and not random." };
    private static readonly Option<string?> Markdown = new("--markdown") { Description = "Also write the report to this file." };

    private static readonly Option<int[]> Sizes = new("--sizes")
    {
        Description = "Body sizes, 64 bytes to 512MiB.",
        DefaultValueFactory = _ => [4 * BodySize.KiB, 64 * BodySize.KiB, BodySize.MiB, 64 * BodySize.MiB],
        CustomParser = argument => List(argument, text => BodySize.TryParse(text, out var size) ? size : null),
    };

    private static readonly Option<int[]> Connections = new("--connections")
    {
        Description = "Connections for hits. Puts have their own: 32 below 1 MiB, else 1 and 4.",
        DefaultValueFactory = _ => [1, 32],
        CustomParser = argument => List(argument, text => int.TryParse(text, out var count) && count is > 0 and <= 10_000 ? count : null),
    };

    private static readonly Option<string> Folder = new("--folder")
    {
        Description = "Folder on the disk to measure; everything put there is removed again. Default: the system's temporary folder.",
        DefaultValueFactory = _ => Path.GetTempPath(),
    };

    private static readonly Option<string[]> Variables = new("--env")
    {
        Description = "NAME=VALUE for the EdgeCache process; may be repeated.",
        DefaultValueFactory = _ => [],
    };

    public static async Task<int> InvokeAsync(string[] args, CancellationToken cancel)
    {
        Only.AcceptOnlyFromAmong("hits", "zipf", "puts", "compression");
        Content.Validators.Add(result => RejectUnless(result, File.Exists, "must be a file that exists"));
        Variables.Validators.Add(result => RejectUnless(result, text => text.IndexOf('=', StringComparison.Ordinal) > 0, "must be NAME=VALUE"));

        var bare = new Command("bare", "The baseline alone: append bodies of one size in batches, one sync for each batch.") { Seconds, Sizes, Batch, Folder };
        bare.SetAction(result => RunBare(result, cancel));
        var root = new RootCommand("Side-by-side runs of EdgeCache and its peers on this machine.")
        {
            Only, Seconds, Warmup, Rounds, Sizes, Connections, Folder, WorkingSet, Content, Executable, Variables, Markdown, bare,
        };
        root.SetAction((result, _) => Comparison.RunAsync(ToSettings(result, args), cancel));

        // Signals are the program's: the library would end the process two seconds after the first one, with folders half removed.
        var configuration = new InvocationConfiguration { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false };
        return await root.Parse(args).InvokeAsync(configuration, cancel);
    }

    private static Settings ToSettings(ParseResult result, string[] args) => new()
    {
        Hits = result.GetValue(Only) is null or "hits",
        Zipf = result.GetValue(Only) is "zipf",
        Compression = result.GetValue(Only) is "compression",
        Puts = result.GetValue(Only) is null or "puts",
        WorkingSet = (long)result.GetValue(WorkingSet) * BodySize.MiB,
        Seconds = result.GetValue(Seconds),
        Warmup = result.GetValue(Warmup),
        Rounds = result.GetValue(Rounds),
        Sizes = result.GetValue(Sizes)!,
        Connections = result.GetValue(Connections)!,
        Folder = Path.GetFullPath(result.GetValue(Folder)!),
        Content = result.GetValue(Content)?.FullName,
        Executable = result.GetValue(Executable) is { } file ? Path.GetFullPath(file) : null,
        Environment = [.. result.GetValue(Variables)!.Select(text => text.Split('=', 2)).Select(pair => KeyValuePair.Create(pair[0], pair[1]))],
        MarkdownFile = result.GetValue(Markdown),
        Command = string.Join(' ', ["dotnet run -c Release --project bench/Peers --", .. args]),
    };

    private static int RunBare(ParseResult result, CancellationToken cancel)
    {
        using var workspace = new Workspace(Path.GetFullPath(result.GetValue(Folder)!));
        foreach (var size in result.GetValue(Sizes)!)
        {
            var sample = BareProgram.Run(workspace, size, result.GetValue(Batch), TimeSpan.FromSeconds(result.GetValue(Seconds)), cancel);
            Console.WriteLine($"{BodySize.Format(size),8}  {sample.Describe(size)}");
        }

        return 0;
    }

    private static Option<int> Whole(string name, string description, int byDefault, int most)
    {
        var option = new Option<int>(name) { Description = description, DefaultValueFactory = _ => byDefault };
        option.Validators.Add(result => RejectUnless(result, text => int.TryParse(text, out var value) && value >= 1 && value <= most, $"must be 1 to {most}"));
        return option;
    }

    private static void RejectUnless(OptionResult result, Func<string, bool> accepts, string rule)
    {
        if (result.Tokens.FirstOrDefault(token => !accepts(token.Value)) is { } wrong)
        {
            result.AddError($"{result.Option.Name} {rule}, not '{wrong.Value}'.");
        }
    }

    private static int[]? List(ArgumentResult argument, Func<string, int?> parse)
    {
        var parts = argument.Tokens[0].Value.Split(',').Select(text => (Text: text, Value: parse(text.Trim()))).ToList();
        if (parts.Find(part => part.Value is null).Text is { } wrong)
        {
            argument.AddError($"'{wrong}' is not valid here.");
            return null;
        }

        return [.. parts.Select(part => part.Value!.Value)];
    }
}
