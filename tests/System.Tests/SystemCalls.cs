using System.Text.RegularExpressions;

namespace EdgeCache.System.Tests;

/// <summary>A system call as strace saw it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Text">Its arguments as strace writes them, with the paths of descriptors.</param>
/// <param name="Began">Its place in the order of events.</param>
/// <param name="Ended">The place of its return.</param>
/// <param name="Result">What it returned.</param>
internal sealed record SystemCall(string Name, string Text, int Began, int Ended, string Result)
{
    public bool IsSync => Name is "fsync" or "fdatasync";

    public bool IsWrite => Name is "write" or "writev" or "pwrite64" or "pwritev" or "pwritev2";

    public override string ToString() => $"{Began}-{Ended} {Name}({Text}) = {Result}";
}

/// <summary>Reads what <c>strace -f</c> wrote: calls of many threads, some of them in two parts.</summary>
internal static partial class SystemCalls
{
    public static List<SystemCall> Parse(IEnumerable<string> lines)
    {
        var calls = new List<SystemCall>();
        var unfinished = new Dictionary<string, (string Name, string Text, int Began)>(StringComparer.Ordinal);
        var place = 0;
        foreach (var line in lines)
        {
            place++;
            if (Whole().Match(line) is { Success: true } whole)
                calls.Add(new SystemCall(whole.Groups["name"].Value, whole.Groups["text"].Value, place, place, whole.Groups["result"].Value));
            else if (First().Match(line) is { Success: true } first)
                unfinished[first.Groups["thread"].Value] = (first.Groups["name"].Value, first.Groups["text"].Value, place);
            else if (Second().Match(line) is { Success: true } second && unfinished.Remove(second.Groups["thread"].Value, out var begun))
                calls.Add(new SystemCall(begun.Name, begun.Text + second.Groups["text"].Value, begun.Began, place, second.Groups["result"].Value));
        }
        return calls;
    }

    [GeneratedRegex(@"^(?<thread>\d+) +(?<name>\w+)\((?<text>.*)\) += (?<result>.*)$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Whole();

    [GeneratedRegex(@"^(?<thread>\d+) +(?<name>\w+)\((?<text>.*) <unfinished \.\.\.>$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex First();

    [GeneratedRegex(@"^(?<thread>\d+) +<\.\.\. \w+ resumed>(?<text>.*)\) += (?<result>.*)$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Second();
}
