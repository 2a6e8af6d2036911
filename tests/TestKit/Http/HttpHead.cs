using System.Globalization;

namespace EdgeCache.TestKit;

/// <summary>The head of a request or an answer: its text, as it came.</summary>
public sealed record HttpHead(string Text)
{
    private const string LineEnd = "\r\n";

    /// <summary>The words of the first line, at most three.</summary>
    public string[] FirstLine => Text[..Text.IndexOf(LineEnd, StringComparison.Ordinal)].Split(' ', 3);

    /// <summary>The status of an answer.</summary>
    public int Status => int.Parse(FirstLine[1], CultureInfo.InvariantCulture);

    /// <summary>Length of the body; null when the head does not say it.</summary>
    public long? ContentLength => this["Content-Length"] is { } value ? long.Parse(value, CultureInfo.InvariantCulture) : null;

    public bool IsChunked => string.Equals(this["Transfer-Encoding"], "chunked", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether the connection ends with this message.</summary>
    public bool IsLast => string.Equals(this["Connection"], "close", StringComparison.OrdinalIgnoreCase);

    /// <summary>The value of a field; null without it.</summary>
    public string? this[string field] => Find(field) is var (start, end) ? Text[(start + field.Length + 1)..end].Trim() : null;

    /// <summary>The same head with another value of a field, which it has or gets.</summary>
    public HttpHead With(string field, string value)
    {
        var line = $"{field}: {value}";
        return Find(field) is var (start, end) ? new HttpHead(Text[..start] + line + Text[end..]) : new HttpHead(Text[..^LineEnd.Length] + line + LineEnd + LineEnd);
    }

    private (int Start, int End)? Find(string field)
    {
        var at = Text.IndexOf($"{LineEnd}{field}:", StringComparison.OrdinalIgnoreCase);
        return at < 0 ? null : (at + LineEnd.Length, Text.IndexOf(LineEnd, at + LineEnd.Length, StringComparison.Ordinal));
    }
}
