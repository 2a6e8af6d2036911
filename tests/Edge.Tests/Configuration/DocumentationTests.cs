using EdgeCache.Edge.Configuration;
using EdgeCache.TestKit;

namespace EdgeCache.Edge.Tests.Configuration;

/// <summary>The page that lists every option is checked against the program, so that neither can go its own way.</summary>
public sealed class DocumentationTests
{
    private static readonly string[] Lines = File.ReadAllLines(Repository.Path("docs", "configuration.md"));

    public static TheoryData<string> Keys => [.. OptionSchema.KnownKeys().Select(k => k.Key)];

    [Theory]
    [MemberData(nameof(Keys))]
    public void An_option_is_listed_with_its_variable_default_range_and_moment(string key)
    {
        var leaf = OptionSchema.Leaves(new EdgeCacheOptions()).Single(l => l.Key == key);
        var listed = key.Replace(":artifacts:", ":{name}:", StringComparison.Ordinal);
        var row = Lines.Where(l => l.StartsWith($"| `{listed}` | ", StringComparison.Ordinal) && l.Count(c => c == '|') == 7).ShouldHaveSingleItem(key);
        var cells = row.Split('|', StringSplitOptions.TrimEntries);

        cells[2].ShouldBe(leaf.Property.Setting.Alias is { } alias ? $"`…_{alias}`" : "");
        if (leaf.Value is not (null or List<string>))
            cells[4].ShouldBe($"`{ValueText.Format(leaf.Value)}`");
        cells[5].ShouldContain(leaf.Property.Setting.Min ?? "");
        cells[5].ShouldContain(leaf.Property.Setting.Max ?? "");
        cells[6].ShouldBe(leaf.Property.Setting.NeedsRestart ? "start" : "reload");
    }

    [Theory]
    [InlineData(Presets.Production, 2)]
    [InlineData(Presets.TestMode, 3)]
    public async Task A_preset_is_listed_as_it_is(string preset, int column)
    {
        using var machine = new ConfigurationFixture();
        machine.Presets.Add(preset);
        machine.Environment["EdgeCache__Access__AllowAnonymous"] = "true";

        var loaded = await machine.LoadGoodAsync();

        var values = loaded.Values.Where(v => v.Value.Layer == ConfigurationLayer.Preset).ToArray();
        values.ShouldNotBeEmpty();
        foreach (var (key, value) in values)
        {
            var row = Lines.Where(l => l.StartsWith($"| `{key}` |", StringComparison.Ordinal) && l.Count(c => c == '|') == 4).ShouldHaveSingleItem(key);
            row.Split('|', StringSplitOptions.TrimEntries)[column].ShouldStartWith($"`{value.Value}`");
        }
    }

    [Fact]
    public async Task Every_setting_flag_is_listed()
    {
        using var machine = new ConfigurationFixture();
        var (_, help, _) = await machine.RunAsync("--help");
        var flags = help.Split('\n').Select(l => l.Trim().Split(' ')[0]).Where(w => w.StartsWith("--", StringComparison.Ordinal) && w != "--version").ToArray();

        flags.Length.ShouldBe(12);
        flags.ShouldAllBe(f => Lines.Any(l => l.Contains($"`{f}`", StringComparison.Ordinal) || l.Contains($"`{f} ", StringComparison.Ordinal)));
    }
}
