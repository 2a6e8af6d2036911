using EdgeCache.Storage;
using Microsoft.Extensions.Primitives;

namespace EdgeCache.Edge.Delivery;

/// <summary>What a Range field asks for.</summary>
internal enum RangeResult
{
    /// <summary>The whole content: no Range, several of them, or a unit other than bytes.</summary>
    Whole,

    /// <summary>One part of it.</summary>
    Part,

    /// <summary>416: nothing of it is within the content.</summary>
    Unsatisfiable,

    /// <summary>400: a bytes range that can't be understood (RFC 9110, section 14.2, lets a server reject it).</summary>
    Malformed,
}

/// <summary>Byte ranges (RFC 9110, section 14).</summary>
internal static class RangeHeader
{
    private const string Unit = "bytes=";

    /// <summary>Resolves the field against a content of <paramref name="length"/> bytes.</summary>
    public static RangeResult Resolve(StringValues field, long length, out ByteRange range)
    {
        range = new ByteRange(0, length);
        if (field.Count == 0)
            return RangeResult.Whole;
        if (field is not [{ } text])
            return RangeResult.Malformed;
        if (!text.StartsWith(Unit, StringComparison.OrdinalIgnoreCase))
            return RangeResult.Whole;
        var set = text.AsSpan(Unit.Length).Trim(" \t");
        if (set.Contains(','))
            return RangeResult.Whole;
        var dash = set.IndexOf('-');
        if (dash < 0)
            return RangeResult.Malformed;
        return dash == 0 ? ResolveSuffix(set[1..], length, ref range) : ResolveFrom(set[..dash], set[(dash + 1)..], length, ref range);
    }

    /// <summary>
    /// The part that will most likely be read, before the length is known: a hint for a store to which asking costs a round trip. The whole, where only the length can tell or
    /// the range may not apply.
    /// </summary>
    public static ByteRange Expect(IHeaderDictionary headers)
    {
        if (headers.Range is not [{ Length: > 6 } text] || headers.IfRange.Count > 0 || text.AsSpan(Unit.Length).TrimStart(" \t") is ['-', ..])
            return ByteRange.Whole;
        if (Resolve(headers.Range, long.MaxValue, out var range) != RangeResult.Part)
            return ByteRange.Whole;
        return range.Offset + range.Length == long.MaxValue ? range with { Length = long.MaxValue } : range;
    }

    private static RangeResult ResolveSuffix(ReadOnlySpan<char> digits, long length, ref ByteRange range)
    {
        if (!TryParse(digits, out var suffix))
            return RangeResult.Malformed;
        if (suffix == 0 || length == 0)
            return RangeResult.Unsatisfiable;
        var part = Math.Min(suffix, length);
        range = new ByteRange(length - part, part);
        return RangeResult.Part;
    }

    private static RangeResult ResolveFrom(ReadOnlySpan<char> firstDigits, ReadOnlySpan<char> lastDigits, long length, ref ByteRange range)
    {
        if (!TryParse(firstDigits, out var first))
            return RangeResult.Malformed;
        var last = long.MaxValue;
        if (lastDigits.Length > 0 && (!TryParse(lastDigits, out last) || last < first))
            return RangeResult.Malformed;
        if (first >= length)
            return RangeResult.Unsatisfiable;
        range = new ByteRange(first, Math.Min(last, length - 1) - first + 1);
        return RangeResult.Part;
    }

    /// <summary>Digits only; a number beyond any content's length counts as the largest there is.</summary>
    private static bool TryParse(ReadOnlySpan<char> digits, out long value)
    {
        value = 0;
        if (digits.Length == 0 || digits.ContainsAnyExceptInRange('0', '9'))
            return false;
        if (!long.TryParse(digits, System.Globalization.NumberStyles.None, null, out value))
            value = long.MaxValue;
        return true;
    }
}
