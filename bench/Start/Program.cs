using System.CommandLine;
using EdgeCache.Bench.Start;

var blobs = new Option<int>("--blobs") { Description = "How many blobs the store gets", DefaultValueFactory = _ => 1_000_000 };
var folder = new Option<string>("--folder") { Description = "Where; removed at the end unless --keep is given", DefaultValueFactory = _ => Path.Combine(Path.GetTempPath(), "edgecache-start") };
var rounds = new Option<int>("--rounds") { Description = "Starts of each kind; the median counts", DefaultValueFactory = _ => 3 };
var keep = new Option<bool>("--keep") { Description = "Leave the folder, and use what is in it" };
var root = new RootCommand("Measures how long a node takes to start on a full store.") { blobs, folder, rounds, keep };
root.SetAction(async (parsed, cancel) =>
{
    var work = Path.GetFullPath(parsed.GetValue(folder)!);
    try
    {
        await new Measurement(work, parsed.GetValue(blobs), parsed.GetValue(rounds)).RunAsync(cancel);
        return 0;
    }
    finally
    {
        if (!parsed.GetValue(keep) && Directory.Exists(work))
            Directory.Delete(work, recursive: true);
    }
});
return await root.Parse(args).InvokeAsync();
