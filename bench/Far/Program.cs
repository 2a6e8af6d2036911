using System.CommandLine;
using EdgeCache.Bench.Far;

var rounds = Whole("--rounds", "Measured runs of each contender, taking turns; medians are reported", 5, 99);
var seconds = Whole("--seconds", "Seconds of each run of hits", 5, 600);
var roundTrip = Whole("--round-trip", "Milliseconds that the network adds to each request to the bucket", 20, 10_000);
var rate = Whole("--rate", "MiB that the network carries in a second", 100, 100_000);
var length = Whole("--mib", "MiB of the artifact that is missing", 64, 512);
var root = new RootCommand("Measures a node in front of a bucket: what is missing, against the bucket itself; what is there, against a node alone.") { rounds, seconds, roundTrip, rate, length };
root.SetAction(async (parsed, cancel) =>
{
    var settings = new Settings(parsed.GetValue(rounds), parsed.GetValue(seconds), TimeSpan.FromMilliseconds(parsed.GetValue(roundTrip)), parsed.GetValue(rate), parsed.GetValue(length));
    await using var bucket = await Bucket.CreateAsync();
    await new MissComparison(settings, bucket).RunAsync(cancel);
    await new HitsComparison(settings, bucket).RunAsync(cancel);
    return 0;
});
return await root.Parse(args).InvokeAsync();

static Option<int> Whole(string name, string description, int byDefault, int most)
{
    var option = new Option<int>(name) { Description = $"{description}, 1 to {most}", DefaultValueFactory = _ => byDefault };
    option.Validators.Add(result =>
    {
        if (result.Tokens.Count == 1 && !(int.TryParse(result.Tokens[0].Value, out var value) && value >= 1 && value <= most))
            result.AddError($"{name} must be 1 to {most}, not '{result.Tokens[0].Value}'.");
    });
    return option;
}
