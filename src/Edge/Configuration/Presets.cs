using System.Collections.Frozen;

namespace EdgeCache.Edge.Configuration;

/// <summary>Other sets of defaults, chosen by one flag. Anything that a file, a variable or a flag says wins over a preset.</summary>
internal static class Presets
{
    public const string Production = "--production";
    public const string TestMode = "--test-mode";

    private static readonly FrozenDictionary<string, (string Key, string Value)[]> Table = new Dictionary<string, (string, string)[]>(StringComparer.Ordinal)
    {
        [Production] =
        [
            ("EdgeCache:Listen:Host", "0.0.0.0"),
            ("EdgeCache:Listen:DrainTimeout", "60s"),
            ("EdgeCache:Storage:Path", "/var/cache/edgecache"),
            ("EdgeCache:Storage:MaxSize", "100 GB"),
            ("EdgeCache:Storage:MinFreeSpace", "5 GiB"),
            ("EdgeCache:RateLimits:Enabled", "true"),
            ("Logging:Console:FormatterName", "json"),
        ],
        [TestMode] =
        [
            ("EdgeCache:Listen:Host", "127.0.0.1"),
            ("EdgeCache:Listen:Port", "8080"),
            ("EdgeCache:Access:Token", "test-token"),
            ("EdgeCache:RateLimits:Enabled", "true"),
            ("EdgeCache:RateLimits:Address:RequestsPerSecond", "1"),
            ("EdgeCache:RateLimits:Address:Burst", "100"),
        ],
    }.ToFrozenDictionary(StringComparer.Ordinal);

    public static IEnumerable<KeyValuePair<string, ConfigurationValue>> Read(ConfigurationSources sources)
    {
        foreach (var preset in sources.Presets)
        {
            foreach (var (key, value) in Table[preset])
                yield return Entry(preset, key, value);
            if (preset == TestMode && sources.TemporaryFolder is { } folder)
                yield return Entry(preset, "EdgeCache:Storage:Path", folder);
        }
    }

    private static KeyValuePair<string, ConfigurationValue> Entry(string preset, string key, string value) =>
        new(key, new ConfigurationValue(value, $"preset {preset}", ConfigurationLayer.Preset));
}
