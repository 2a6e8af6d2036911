using EdgeCache.Edge.Cli;
using EdgeCache.Edge.Configuration;
using EdgeCache.TestKit;

namespace EdgeCache.Edge.Tests.Configuration;

/// <summary>A folder that stands for the machine: a binary's folder, a current folder, a home, and an environment.</summary>
internal sealed class ConfigurationFixture : IDisposable
{
    private readonly TestFolder _folder = new();

    public ConfigurationFixture()
    {
        Directory.CreateDirectory(BaseDirectory);
        Directory.CreateDirectory(CurrentDirectory);
        Environment["HOME"] = _folder.File("home");
    }

    public string BaseDirectory => _folder.File("bin");

    public string CurrentDirectory => _folder.File("work");

    public string Home => Environment["HOME"];

    public Dictionary<string, string> Environment { get; } = new(StringComparer.Ordinal);

    public List<string> Presets { get; } = [];

    public Dictionary<string, ConfigurationValue> Flags { get; } = new(StringComparer.OrdinalIgnoreCase);

    public string? ConfigFile { get; set; }

    public ConfigurationSources Sources => new()
    {
        BaseDirectory = BaseDirectory,
        CurrentDirectory = CurrentDirectory,
        Environment = Environment,
        ConfigFile = ConfigFile,
        Presets = Presets,
        Flags = Flags,
    };

    /// <summary>Writes a file in the current folder.</summary>
    public string Write(string name, string content)
    {
        var path = Path.Combine(CurrentDirectory, name);
        File.WriteAllText(path, content);
        return path;
    }

    /// <summary>Writes the file that is given with <c>--config</c>.</summary>
    public string WriteConfig(string content)
    {
        ConfigFile = "node.json";
        return Write(ConfigFile, content);
    }

    public void WriteBase(string content) => File.WriteAllText(Path.Combine(BaseDirectory, "appsettings.json"), content);

    public void Flag(string name, string key, string value) => Flags[key] = new ConfigurationValue(value, $"flag {name}", ConfigurationLayer.Flag);

    public Task<LoadResult> LoadAsync() => ConfigurationLoader.LoadAsync(Sources, CancellationToken.None);

    public async Task<LoadedConfiguration> LoadGoodAsync()
    {
        var result = await LoadAsync();
        result.Errors.ShouldBeEmpty();
        return result.Configuration.ShouldNotBeNull();
    }

    public async Task<IReadOnlyList<string>> LoadBadAsync()
    {
        var result = await LoadAsync();
        result.Configuration.ShouldBeNull();
        result.Errors.ShouldNotBeEmpty();
        return result.Errors;
    }

    /// <summary>Runs the command line as the process would.</summary>
    public async Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exit = await CommandLine.RunAsync(args, new ProcessContext(output, error, BaseDirectory, CurrentDirectory, Environment));
        return (exit, output.ToString(), error.ToString());
    }

    public void Dispose() => _folder.Dispose();
}
