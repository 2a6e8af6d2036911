namespace EdgeCache.Edge.Access;

/// <summary>The list of tokens that is in force; replaced as a whole.</summary>
internal sealed class TokenListHolder(TokenList initial)
{
    private volatile TokenList _current = initial;

    public TokenList Current => _current;

    public void Publish(TokenList list) => _current = list;
}
