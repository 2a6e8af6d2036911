using System.CommandLine;
using EdgeCache.Bench.Codecs;

var files = new Argument<FileInfo[]>("files") { Description = "What is compressed: build outputs, each up to 1 GiB", Arity = ArgumentArity.OneOrMore }.AcceptExistingOnly();
var seconds = new Option<int>("--seconds") { Description = "Seconds of each run, 1 to 60", DefaultValueFactory = _ => 3 };
seconds.Validators.Add(result =>
{
    if (result.Tokens.Count == 1 && !(int.TryParse(result.Tokens[0].Value, out var value) && value is >= 1 and <= 60))
        result.AddError("--seconds must be 1 to 60.");
});
var root = new RootCommand("Measures the codecs against the real zstd and lz4, and on build outputs.");
var against = new Command("against", "Compressing pieces of 1 MiB: ours, and the benchmark that is built into the tools, by turns") { files, seconds };
against.SetAction((parsed, cancel) => Against.RunAsync(parsed.GetValue(files)!, parsed.GetValue(seconds), cancel));
var table = new Command("table", "What is gained on each file, and how fast") { files, seconds };
table.SetAction(parsed => Table.Run(parsed.GetValue(files)!, parsed.GetValue(seconds)));
var estimate = new Command("estimate", "How long it takes to judge a piece of 1 MiB") { files, seconds };
estimate.SetAction(parsed => Estimate.Run(parsed.GetValue(files)!, parsed.GetValue(seconds)));
root.Add(against);
root.Add(table);
root.Add(estimate);
return await root.Parse(args).InvokeAsync();
