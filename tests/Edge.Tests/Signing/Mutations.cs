namespace EdgeCache.Edge.Tests.Signing;

/// <summary>Every text that differs from another by one character.</summary>
internal static class Mutations
{
    private const string Characters = "AZaz09-_~.+/=&?%*";

    public static IEnumerable<string> Of(string text)
    {
        for (var i = 1; i < text.Length; i++)
        {
            yield return text.Remove(i, 1);
            foreach (var character in Alike(text[i]).Concat(Characters).Where(c => c != text[i]).Distinct())
                yield return text.Remove(i, 1).Insert(i, character.ToString());
            foreach (var character in Characters)
                yield return text.Insert(i, character.ToString());
            if (i + 1 < text.Length && text[i] != text[i + 1])
                yield return text.Remove(i, 2).Insert(i, $"{text[i + 1]}{text[i]}");
        }
        foreach (var character in Characters)
            yield return text + character;
    }

    private static IEnumerable<char> Alike(char character)
    {
        yield return (char)(character ^ 1);
        yield return char.IsLower(character) ? char.ToUpperInvariant(character) : char.ToLowerInvariant(character);
        yield return (char)(character + 1);
    }
}
