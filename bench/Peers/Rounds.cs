using EdgeCache.Bench.Peers.Load;
using EdgeCache.Bench.Peers.Reports;

namespace EdgeCache.Bench.Peers;

/// <summary>Lets the contenders of a case take turns, A B A B, so that a slow minute of the machine hits them all.</summary>
internal static class Rounds
{
    public static async Task<CaseResult> RunAsync(BenchCase @case, IReadOnlyList<Contender> contenders, Settings settings, CancellationToken cancel)
    {
        Console.WriteLine($"\n{@case}");
        try
        {
            foreach (var contender in contenders)
            {
                await contender.RunAsync(settings.Warmup, cancel);
            }

            var samples = contenders.Select(contender => (contender.Name, Samples: new List<Sample>())).ToList();
            for (var round = 1; round <= settings.Rounds; round++)
            {
                foreach (var (contender, (name, list)) in contenders.Zip(samples))
                {
                    var sample = await contender.RunAsync(settings.Seconds, cancel);
                    list.Add(sample);
                    Console.WriteLine($"  {round,2}  {name,-18} {sample.Describe(@case.Size)}");
                }
            }

            var result = new CaseResult(@case, [.. samples.Select(entry => (entry.Name, (IReadOnlyList<Sample>)entry.Samples))]);
            foreach (var ratio in Ratio.All(result))
            {
                Console.WriteLine($"      {ratio}");
            }

            return result;
        }
        catch (BenchException exception)
        {
            // The other cases are still worth having.
            Console.WriteLine($"  failed: {exception.Message}");
            return CaseResult.Failed(@case, exception.Message);
        }
    }
}
