using System.CommandLine;
using EdgeCache.Bench.Limits;

var clients = new Option<int>("--clients") { Description = "Clients in the table", DefaultValueFactory = _ => 100_000 };
var seconds = new Option<int>("--seconds") { Description = "Seconds of each measured run", DefaultValueFactory = _ => 2 };
var root = new RootCommand("Measures what a decision of the limits costs, in time and memory, and what it costs to know who asks.") { clients, seconds };
root.SetAction(parsed =>
{
    var measurement = new Measurement(parsed.GetValue(clients), TimeSpan.FromSeconds(parsed.GetValue(seconds)));
    measurement.Run();
    return 0;
});
return await root.Parse(args).InvokeAsync();
