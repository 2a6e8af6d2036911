using EdgeCache.Edge.Configuration;

namespace EdgeCache.Edge.Access;

/// <summary>The tokens in force: made anew when the settings or the list have changed, so a token that was taken away is unknown at once.</summary>
internal sealed class TokenDirectory(LiveSettings settings, TokenListHolder list)
{
    private volatile TokenTable? _table;

    public TokenTable Current
    {
        get
        {
            var table = _table;
            if (table is null || !ReferenceEquals(table.Settings, settings.Current) || !ReferenceEquals(table.List, list.Current))
                _table = table = new TokenTable(settings.Current, list.Current);
            return table;
        }
    }
}
