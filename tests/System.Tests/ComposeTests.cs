using EdgeCache.TestKit;

namespace EdgeCache.System.Tests;

/// <summary>The files of <c>compose/</c>, as the program reads them that starts them. Without an engine for containers, no image is built and nothing is started.</summary>
public sealed class ComposeTests
{
    private const string Secrets = "/run/secrets/";

    [Theory]
    [InlineData("docker-compose.minio.yml", 1)]
    [InlineData("docker-compose.chain.yml", 2)]
    public async Task Every_node_of_a_file_would_start_with_what_the_file_gives_it(string file, int nodes)
    {
        var compose = Tools.Require("docker-compose", "docker-compose");
        var model = (await ToolRun.RunAsync(compose, ["--file", Repository.Path("compose", file), "config"])).Succeeded();
        using var folder = new TestFolder();
        var found = 0;
        foreach (var (service, variables) in Environments(model))
        {
            if (!variables.Keys.Any(n => n.StartsWith("EdgeCache__", StringComparison.Ordinal)))
                continue;
            found++;
            foreach (var (name, path) in variables.Where(v => v.Value.StartsWith(Secrets, StringComparison.Ordinal)).ToList())
            {
                variables[name] = folder.File(path[Secrets.Length..]);
                await File.WriteAllTextAsync(variables[name], "0123456789abcdef0123\n", TestContext.Current.CancellationToken);
            }
            var check = await ToolRun.RunAsync(NodeProcess.Executable, ["check-config", "--production"], environment: variables);
            check.ExitCode.ShouldBe(0, $"{service}: {check.Error}");
        }
        found.ShouldBe(nodes, model);
    }

    /// <summary>The variables of each service, from the text that the program writes: two spaces a level, one variable a line.</summary>
    private static Dictionary<string, Dictionary<string, string>> Environments(string model)
    {
        var services = new Dictionary<string, Dictionary<string, string>>(StringComparer.Ordinal);
        var (section, service, part) = ("", "", "");
        foreach (var line in model.Split('\n'))
        {
            var text = line.TrimStart();
            if (text.Length == 0)
                continue;
            var level = (line.Length - text.Length) / 2;
            (section, service, part) = level switch
            {
                0 => (text.TrimEnd(), "", ""),
                1 => (section, text.TrimEnd(':', '\r'), ""),
                2 => (section, service, text.TrimEnd()),
                _ => (section, service, part),
            };
            if (section != "services:" || part != "environment:" || level != 3 || text.IndexOf(": ", StringComparison.Ordinal) is not (> 0 and var colon))
                continue;
            if (!services.TryGetValue(service, out var variables))
                services[service] = variables = new Dictionary<string, string>(StringComparer.Ordinal);
            variables[text[..colon]] = text[(colon + 2)..].Trim().Trim('\'', '"');
        }
        return services;
    }
}
