using System.Text;

namespace EdgeCache.Client.Signing;

/// <summary>Queries as they were sent: cut at '&amp;', never decoded. A parameter of a signature that is spelt in another way is not one.</summary>
internal static class QueryText
{
    /// <summary>The name of a parameter: what comes before the first '='.</summary>
    public static ReadOnlySpan<char> NameOf(ReadOnlySpan<char> parameter)
    {
        var equals = parameter.IndexOf('=');
        return equals < 0 ? parameter : parameter[..equals];
    }

    /// <summary>The value of a parameter: what comes after the first '='.</summary>
    public static ReadOnlySpan<char> ValueOf(ReadOnlySpan<char> parameter)
    {
        var equals = parameter.IndexOf('=');
        return equals < 0 ? default : parameter[(equals + 1)..];
    }

    /// <summary>Finds a parameter by its exact name.</summary>
    /// <returns>How often it is there; 2 for more than once.</returns>
    public static int Find(ReadOnlySpan<char> query, string name, out ReadOnlySpan<char> value)
    {
        value = default;
        var count = 0;
        foreach (var range in query.Split('&'))
        {
            var parameter = query[range];
            if (!NameOf(parameter).SequenceEqual(name))
                continue;
            if (++count > 1)
                return count;
            value = ValueOf(parameter);
        }
        return count;
    }

    /// <summary>The query without some parameters, everything else as it was.</summary>
    /// <param name="query">Without its '?'.</param>
    /// <param name="names">The exact names of those that go.</param>
    public static string Without(ReadOnlySpan<char> query, IReadOnlyList<string> names)
    {
        if (query.IsEmpty)
            return "";
        var rest = new StringBuilder(query.Length);
        var any = false;
        foreach (var range in query.Split('&'))
        {
            var parameter = query[range];
            if (IsOneOf(NameOf(parameter), names))
                continue;
            if (any)
                rest.Append('&');
            rest.Append(parameter);
            any = true;
        }
        return rest.ToString();
    }

    /// <summary>Whether any of some parameters is there.</summary>
    public static bool HasAny(ReadOnlySpan<char> query, IReadOnlyList<string> names)
    {
        foreach (var range in query.Split('&'))
        {
            if (IsOneOf(NameOf(query[range]), names))
                return true;
        }
        return false;
    }

    public static bool IsOneOf(ReadOnlySpan<char> name, IReadOnlyList<string> names)
    {
        for (var i = 0; i < names.Count; i++)
        {
            if (name.SequenceEqual(names[i]))
                return true;
        }
        return false;
    }
}
