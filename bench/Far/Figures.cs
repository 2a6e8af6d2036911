namespace EdgeCache.Bench.Far;

/// <summary>What is made of the samples.</summary>
internal static class Figures
{
    public static double Median<T>(IReadOnlyCollection<T> samples, Func<T, double> figure)
    {
        var sorted = samples.Select(figure).Order().ToList();
        return (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
    }
}
