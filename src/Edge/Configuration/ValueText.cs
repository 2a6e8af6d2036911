using System.Globalization;

namespace EdgeCache.Edge.Configuration;

/// <summary>How a single value is read from text, written as text, and described to somebody who wrote it wrongly.</summary>
internal static class ValueText
{
    private static readonly Type[] Types = [typeof(string), typeof(bool), typeof(int), typeof(long), typeof(TimeSpan), typeof(ByteSize)];

    public static bool IsValue(Type type) => Types.Contains(type);

    /// <summary>Reads a value and checks its range.</summary>
    /// <returns>Null when the value is good; otherwise what is allowed.</returns>
    public static string? TryRead(OptionProperty property, string text, out object? value)
    {
        var type = property.Property.PropertyType;
        return TryParse(type, text, out value) && IsWithin(type, property.Setting, value!) ? null : Allowed(type, property.Setting);
    }

    /// <summary>The text of a value, as <see cref="TryRead"/> would read it back.</summary>
    public static string Format(object? value) => value switch
    {
        null => "(none)",
        bool flag => flag ? "true" : "false",
        TimeSpan span => Duration.Format(span),
        List<string> list => list.Count == 0 ? "(none)" : string.Join(", ", list),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };

    private static bool TryParse(Type type, string text, out object? value)
    {
        value = null;
        if (type == typeof(string))
            value = text;
        else if (type == typeof(bool))
            value = bool.TryParse(text, out var flag) ? flag : null;
        else if (type == typeof(TimeSpan))
            value = Duration.TryParse(text, out var span) ? span : null;
        else if (type == typeof(ByteSize))
            value = ByteSize.TryParse(text, out var size) ? size : null;
        else if (long.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var number))
            value = type == typeof(long) ? number : number is >= int.MinValue and <= int.MaxValue ? (int)number : null;
        return value is not null;
    }

    private static bool IsWithin(Type type, SettingAttribute setting, object value) =>
        Compare(type, setting.Min, value) <= 0 && Compare(type, setting.Max, value) >= 0;

    /// <summary>Compares a bound with a value; a bound that is not there equals everything.</summary>
    private static int Compare(Type type, string? bound, object value)
    {
        if (bound is null || !TryParse(type, bound, out var limit))
            return 0;
        return limit is ByteSize size ? size.Bytes.CompareTo(((ByteSize)value).Bytes) : ((IComparable)limit!).CompareTo(value);
    }

    private static string Allowed(Type type, SettingAttribute setting)
    {
        var what = type == typeof(bool) ? "true or false"
            : type == typeof(TimeSpan) ? "a time such as 500ms, 30s, 5m, 2h or 00:00:30"
            : type == typeof(ByteSize) ? "a size such as 1048576, 500 MB or 10 GiB"
            : "a whole number";
        return (setting.Min, setting.Max) switch
        {
            (null, null) => what,
            ({ } min, null) => $"{what}, at least {min}",
            (null, { } max) => $"{what}, at most {max}",
            ({ } min, { } max) => $"{what}, from {min} to {max}",
        };
    }
}
