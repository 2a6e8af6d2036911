using System.Text;

namespace EdgeCache.Edge.Observability.Exposition;

/// <summary>Instrument names and units in the way Prometheus spells them: the rules that OpenTelemetry and Prometheus agreed on.</summary>
internal static class PrometheusNames
{
    /// <summary>The unit as a word for a name's end; empty where a unit adds nothing to the name.</summary>
    public static string Unit(string? unit, bool isGauge)
    {
        if (string.IsNullOrEmpty(unit))
            return "";

        var plain = WithoutAnnotations(unit);
        if (plain is "1")
            return isGauge ? "ratio" : "";

        var slash = plain.IndexOf('/');
        if (slash < 0)
            return Sanitize(Word(plain), allowColon: false);

        var over = Sanitize(Word(plain[..slash]), allowColon: false);
        var per = PerWord(plain[(slash + 1)..]);
        return per.Length == 0 ? over : $"{over}_per_{Sanitize(per, allowColon: false)}".TrimStart('_');
    }

    /// <summary>Replaces what a name may not contain by one underscore.</summary>
    public static string Sanitize(string name, bool allowColon)
    {
        var text = new StringBuilder(name.Length + 1);
        foreach (var c in name)
        {
            var valid = char.IsAsciiLetterOrDigit(c) || (allowColon && c == ':');
            if (valid)
                text.Append(c);
            else if (text.Length == 0 || text[^1] != '_')
                text.Append('_');
        }

        if (text.Length > 0 && char.IsAsciiDigit(text[0]))
            text.Insert(0, '_');
        return text.ToString();
    }

    /// <summary>The name with the word at its end, once.</summary>
    public static string WithSuffix(string name, string suffix) =>
        suffix.Length == 0 || name.EndsWith("_" + suffix, StringComparison.Ordinal) ? name : $"{name}_{suffix}";

    /// <summary>What stands in braces says what is counted, as in <c>{request}</c>; it is no unit.</summary>
    private static string WithoutAnnotations(string unit)
    {
        var open = unit.IndexOf('{');
        while (open >= 0)
        {
            var close = unit.IndexOf('}', open);
            if (close < 0)
                break;
            unit = unit.Remove(open, close - open + 1);
            open = unit.IndexOf('{');
        }

        return unit;
    }

    private static string Word(string unit) => unit switch
    {
        "d" => "days",
        "h" => "hours",
        "min" => "minutes",
        "s" => "seconds",
        "ms" => "milliseconds",
        "us" => "microseconds",
        "ns" => "nanoseconds",
        "By" => "bytes",
        "KiBy" => "kibibytes",
        "MiBy" => "mebibytes",
        "GiBy" => "gibibytes",
        "kBy" or "KBy" => "kilobytes",
        "MBy" => "megabytes",
        "GBy" => "gigabytes",
        "Hz" => "hertz",
        "Cel" => "celsius",
        "%" => "percent",
        _ => unit,
    };

    private static string PerWord(string unit) => unit switch
    {
        "s" => "second",
        "min" => "minute",
        "h" => "hour",
        "d" => "day",
        _ => unit,
    };
}
