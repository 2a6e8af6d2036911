namespace EdgeCache.Edge.Configuration;

/// <summary>Finds what somebody probably meant.</summary>
internal static class Suggestion
{
    /// <summary>The known name that is nearest to what was written, if it is near at all.</summary>
    public static string? Nearest(string written, IEnumerable<string> known)
    {
        var limit = Math.Max(1, (written.Length + 1) / 3);
        return known.Select(name => (Name: name, Distance: Distance(written.ToLowerInvariant(), name.ToLowerInvariant())))
            .Where(c => c.Distance <= limit)
            .OrderBy(c => c.Distance)
            .Select(c => c.Name)
            .FirstOrDefault();
    }

    /// <summary>A sentence for an error message, or nothing.</summary>
    public static string Sentence(string? name) => name is null ? "" : $" Did you mean {name}?";

    /// <summary>How many letters must be added, removed, changed or swapped with their neighbour to get from one word to the other.</summary>
    private static int Distance(string a, string b)
    {
        int[] twoAbove = [], above = [], row = [.. Enumerable.Range(0, b.Length + 1)];
        for (var i = 1; i <= a.Length; i++)
        {
            (twoAbove, above, row) = (above, row, new int[b.Length + 1]);
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                row[j] = Math.Min(Math.Min(row[j - 1], above[j]) + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    row[j] = Math.Min(row[j], twoAbove[j - 2] + 1);
            }
        }
        return row[^1];
    }
}
