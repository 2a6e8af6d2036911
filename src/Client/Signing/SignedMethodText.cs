namespace EdgeCache.Client.Signing;

/// <summary>Methods as text: their names in this order, with '-' between.</summary>
internal static class SignedMethodText
{
    private static readonly (string Name, SignedMethods Method)[] Table =
        [("GET", SignedMethods.Get), ("HEAD", SignedMethods.Head), ("PUT", SignedMethods.Put), ("DELETE", SignedMethods.Delete), ("POST", SignedMethods.Post)];

    public static string Names => string.Join(", ", Table.Select(t => t.Name));

    public static string Write(SignedMethods methods) => string.Join('-', Table.Where(t => methods.HasFlag(t.Method)).Select(t => t.Name));

    /// <summary>One method; <see cref="SignedMethods.None"/> for one that can't be signed for.</summary>
    public static SignedMethods Of(ReadOnlySpan<char> name)
    {
        foreach (var (known, method) in Table)
        {
            if (name.SequenceEqual(known))
                return method;
        }
        return SignedMethods.None;
    }

    /// <summary>Several methods; <see cref="SignedMethods.None"/> where one is not known or there twice.</summary>
    public static SignedMethods Read(ReadOnlySpan<char> text)
    {
        var methods = SignedMethods.None;
        foreach (var part in text.Split('-'))
        {
            var method = Of(text[part]);
            if (method == SignedMethods.None || methods.HasFlag(method))
                return SignedMethods.None;
            methods |= method;
        }
        return methods;
    }
}
