namespace EdgeCache.Edge.Configuration;

/// <summary>
/// The configuration that the host, YARP and logging see. It changes only when a whole checked configuration is published; the stock JSON provider
/// empties itself on a file it can't read, which would take every route with it.
/// </summary>
internal sealed class PublishedConfiguration : ConfigurationProvider, IConfigurationSource
{
    public PublishedConfiguration(IReadOnlyDictionary<string, string?> initial) => Data = Copy(initial);

    public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

    public void Publish(IReadOnlyDictionary<string, string?> values)
    {
        Data = Copy(values);
        OnReload();
    }

    private static Dictionary<string, string?> Copy(IReadOnlyDictionary<string, string?> values) => new(values, StringComparer.OrdinalIgnoreCase);
}
