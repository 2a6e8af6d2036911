using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace EdgeCache.Edge.Tests.Observability;

internal sealed record Sample(string Name, IReadOnlyList<(string Name, string Value)> Labels, double Value)
{
    public string? Label(string name) => Labels.FirstOrDefault(l => l.Name == name).Value;
}

internal sealed class Family(string name)
{
    public string Name { get; } = name;

    public string? Help { get; set; }

    public string? Type { get; set; }

    public string? Unit { get; set; }

    public List<Sample> Samples { get; } = [];
}

/// <summary>
/// A strict reader of both text formats, written from their specifications and sharing no code with the writer. What it does not refuse, a scraper
/// takes: it checks order, names, escapes, duplicates, counters and histograms.
/// </summary>
internal sealed partial class Exposition(bool openMetrics)
{
    private readonly Dictionary<string, Family> _families = new(StringComparer.Ordinal);
    private readonly HashSet<string> _series = new(StringComparer.Ordinal);
    private Family? _current;

    public IReadOnlyDictionary<string, Family> Families => _families;

    public bool IsOpenMetrics => openMetrics;

    public static Exposition Parse(string text, bool openMetrics)
    {
        var result = new Exposition(openMetrics);
        text.ShouldEndWith("\n");
        text.ShouldNotContain('\r');
        var lines = text[..^1].Split('\n');
        if (openMetrics)
            lines[^1].ShouldBe("# EOF");
        foreach (var line in openMetrics ? lines[..^1] : lines)
        {
            line.ShouldNotBeNullOrEmpty();
            if (line.StartsWith('#'))
                result.Comment(line);
            else
                result.Add(ReadSample(line));
        }

        foreach (var family in result._families.Values)
            result.Check(family);
        return result;
    }

    /// <summary>The value of one series.</summary>
    public double Value(string sample, params (string Name, string Value)[] labels) =>
        _families.Values.SelectMany(f => f.Samples)
            .Single(s => s.Name == sample && labels.All(l => s.Label(l.Name) == l.Value) && (labels.Length > 0 || s.Labels.Count == 0)).Value;

    public IEnumerable<Sample> All(string sample) => _families.Values.SelectMany(f => f.Samples).Where(s => s.Name == sample);

    private void Comment(string line)
    {
        var parts = line.Split(' ', 4);
        parts.Length.ShouldBe(4, line);
        parts[0].ShouldBe("#");
        MetricName().IsMatch(parts[2]).ShouldBeTrue(line);
        if (_current?.Name != parts[2])
        {
            _families.ShouldNotContainKey(parts[2], "a family may appear once");
            _current = new Family(parts[2]);
            _families.Add(parts[2], _current);
        }

        _current.Samples.ShouldBeEmpty("comments come before samples");
        switch (parts[1])
        {
            case "HELP":
                _current.Help.ShouldBeNull(line);
                _current.Help = Unescape(parts[3], quotes: openMetrics);
                break;
            case "TYPE":
                _current.Type.ShouldBeNull(line);
                (parts[3] is "counter" or "gauge" or "histogram").ShouldBeTrue(line);
                _current.Type = parts[3];
                break;
            case "UNIT":
                openMetrics.ShouldBeTrue("the plain format has no UNIT");
                _current.Name.ShouldEndWith("_" + parts[3]);
                _current.Unit = parts[3];
                break;
            default:
                throw new InvalidDataException(line);
        }
    }

    private void Add(Sample sample)
    {
        _current.ShouldNotBeNull();
        _current.Type.ShouldNotBeNull();
        string[] endings = _current.Type switch
        {
            "histogram" => ["_bucket", "_sum", "_count"],
            "counter" when openMetrics => ["_total"],
            _ => [""],
        };
        endings.ShouldContain(e => _current.Name + e == sample.Name, sample.Name);
        sample.Labels.Select(l => l.Name).Distinct(StringComparer.Ordinal).Count().ShouldBe(sample.Labels.Count);
        _series.Add(sample.Name + "|" + string.Join('|', sample.Labels.OrderBy(l => l.Name, StringComparer.Ordinal))).ShouldBeTrue($"{sample} is there twice");
        _current.Samples.Add(sample);
    }

    private void Check(Family family)
    {
        family.Type.ShouldNotBeNull(family.Name);
        family.Help.ShouldNotBeNull(family.Name);
        if (family.Type == "counter")
        {
            family.Name.EndsWith("_total", StringComparison.Ordinal).ShouldBe(!openMetrics, family.Name);
            family.Samples.ShouldAllBe(s => s.Value >= 0 && double.IsFinite(s.Value));
        }

        if (family.Type == "histogram")
        {
            foreach (var point in family.Samples.GroupBy(s => string.Join('|', s.Labels.Where(l => l.Name != "le")), StringComparer.Ordinal))
                CheckHistogram(family.Name, [.. point]);
        }
    }

    private void CheckHistogram(string name, List<Sample> point)
    {
        var buckets = point.Where(s => s.Name == name + "_bucket").ToList();
        var bounds = buckets.ConvertAll(b => Number(b.Label("le")!));
        bounds.ShouldBe(bounds.Order());
        bounds.ShouldBeUnique();
        bounds[^1].ShouldBe(double.PositiveInfinity);
        buckets.Select(b => b.Value).ShouldBe(buckets.Select(b => b.Value).Order(), name);
        buckets.ShouldAllBe(b => b.Label("le") == "+Inf" || b.Label("le")!.Contains('.'));
        point.Single(s => s.Name == name + "_count").Value.ShouldBe(buckets[^1].Value);
        point.Count(s => s.Name == name + "_sum").ShouldBe(1);
    }

    private static Sample ReadSample(string line)
    {
        var at = 0;
        while (at < line.Length && line[at] is not ('{' or ' '))
            at++;
        var name = line[..at];
        MetricName().IsMatch(name).ShouldBeTrue(line);
        var labels = new List<(string, string)>();
        if (line[at] == '{')
        {
            at++;
            while (line[at] != '}')
                labels.Add(ReadLabel(line, ref at));
            at++;
        }

        line[at].ShouldBe(' ', line);
        return new Sample(name, labels, Number(line[(at + 1)..]));
    }

    private static (string Name, string Value) ReadLabel(string line, ref int at)
    {
        var equals = line.IndexOf('=', at);
        var name = line[at..equals];
        LabelName().IsMatch(name).ShouldBeTrue(line);
        line[equals + 1].ShouldBe('"', line);
        var end = equals + 2;
        while (line[end] != '"')
            end += line[end] == '\\' ? 2 : 1;
        at = end + 1;
        if (line[at] == ',')
            at++;
        else
            line[at].ShouldBe('}', line);
        return (name, Unescape(line[(equals + 2)..end], quotes: true));
    }

    private static string Unescape(string text, bool quotes)
    {
        var result = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                result.Append(text[i]);
                continue;
            }

            i++;
            result.Append(text[i] switch
            {
                'n' => '\n',
                '\\' => '\\',
                '"' when quotes => '"',
                _ => throw new InvalidDataException($"No such escape: {text}"),
            });
        }

        return result.ToString();
    }

    private static double Number(string text) => text switch
    {
        "+Inf" => double.PositiveInfinity,
        "-Inf" => double.NegativeInfinity,
        "NaN" => double.NaN,
        _ => double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture),
    };

    [GeneratedRegex("^[a-zA-Z_:][a-zA-Z0-9_:]*$", RegexOptions.None, 1000)]
    private static partial Regex MetricName();

    [GeneratedRegex("^[a-zA-Z_][a-zA-Z0-9_]*$", RegexOptions.None, 1000)]
    private static partial Regex LabelName();
}
