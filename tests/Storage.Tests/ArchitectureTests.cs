using System.Xml.Linq;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.Tests;

/// <summary>Dependencies point one way. A new project or arrow is a decision: it is made here first.</summary>
public sealed class ArchitectureTests
{
    private const string WebProject = "Edge";
    private const string ObjectStoreProject = "Storage.S3";

    private static readonly Dictionary<string, string[]> AllowedArrows = new(StringComparer.Ordinal)
    {
        ["Codecs"] = [],
        ["Storage"] = ["Codecs"],
        ["Storage.Local"] = ["Storage"],
        [ObjectStoreProject] = ["Storage"],
        ["Client"] = ["Codecs"],
        [WebProject] = ["Storage", "Storage.Local", ObjectStoreProject, "Client"],
    };

    private static readonly string Source = Repository.Path("src");

    /// <summary>Every project under src; each has the name of its folder.</summary>
    public static TheoryData<string> Projects =>
        [.. Directory.EnumerateFiles(Source, "*.csproj", SearchOption.AllDirectories).Select(p => Path.GetFileNameWithoutExtension(p)).Order(StringComparer.Ordinal)];

    [Fact]
    public void Every_project_is_a_known_one_and_the_first_three_are_there()
    {
        var projects = Projects.Select(p => p.Data).ToList();
        projects.ShouldBeSubsetOf(AllowedArrows.Keys, StringComparer.Ordinal);
        new[] { "Storage", "Storage.Local", WebProject }.ShouldBeSubsetOf(projects, StringComparer.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_refers_only_to_the_projects_below_it(string project)
    {
        var arrows = Included(project, "ProjectReference").Select(path => Path.GetFileNameWithoutExtension(path.Replace('\\', '/')));
        arrows.ShouldBeSubsetOf(AllowedArrows[project], StringComparer.Ordinal);
    }

    [Fact]
    public void The_storage_contract_needs_no_package_but_those_for_retries_and_for_the_log() =>
        Included("Storage", "PackageReference").Concat(Included("Storage", "FrameworkReference")).ShouldBeSubsetOf(["Microsoft.Extensions.Logging.Abstractions", "Polly.Core"], StringComparer.Ordinal);

    [Theory]
    [MemberData(nameof(Projects))]
    public void Only_the_server_knows_the_web_framework_and_the_proxy(string project)
    {
        var names = FilesThatName(project, "Microsoft.AspNetCore", "Yarp", "Microsoft.NET.Sdk.Web");
        if (project == WebProject)
            names.ShouldNotBeEmpty("the search itself must find what is there");
        else
            names.ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Only_the_object_store_knows_its_vendor(string project)
    {
        if (project != ObjectStoreProject)
            FilesThatName(project, "AWSSDK", "using Amazon").ShouldBeEmpty();
    }

    private static IEnumerable<string> Included(string project, string item) =>
        XDocument.Load(Path.Combine(Source, project, project + ".csproj")).Descendants(item).Select(e => (string?)e.Attribute("Include")).OfType<string>();

    private static List<string> FilesThatName(string project, params string[] names) =>
    [
        .. Directory.EnumerateFiles(Path.Combine(Source, project), "*.cs*", SearchOption.AllDirectories)
            .Where(f => !f.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}") && !f.Contains($"{Path.DirectorySeparatorChar}bin{Path.DirectorySeparatorChar}"))
            .Where(f => File.ReadAllText(f) is var text && names.Any(n => text.Contains(n, StringComparison.Ordinal))),
    ];
}
