namespace EdgeCache.Edge.Configuration;

/// <summary>The settings in force. A request reads <see cref="Current"/> once and keeps to it; a reload replaces it in one step.</summary>
internal sealed class LiveSettings(EdgeSettings initial)
{
    private volatile EdgeSettings _current = initial;

    public EdgeSettings Current => _current;

    public void Publish(EdgeSettings settings) => _current = settings;
}
