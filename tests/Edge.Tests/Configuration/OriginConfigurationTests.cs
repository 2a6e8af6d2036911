namespace EdgeCache.Edge.Tests.Configuration;

public sealed class OriginConfigurationTests : IDisposable
{
    private const string Secret = "hush-hush";

    private readonly ConfigurationFixture _machine = new();

    public void Dispose() => _machine.Dispose();

    [Fact]
    public async Task A_cluster_must_be_there_and_its_name_is_suggested()
    {
        SetCluster("origins");
        _machine.Environment["EdgeCache__Storage__Origin__Cluster"] = "origin";
        (await _machine.LoadBadAsync()).ShouldHaveSingleItem().ShouldContain("Did you mean origins?");
    }

    [Fact]
    public async Task A_cluster_must_have_a_destination()
    {
        _machine.Environment["ReverseProxy__Clusters__far__LoadBalancingPolicy"] = "Random";
        _machine.Environment["EdgeCache__Storage__Origin__Cluster"] = "far";
        (await _machine.LoadBadAsync()).ShouldHaveSingleItem().ShouldContain("no destinations");
    }

    [Fact]
    public async Task The_built_in_cluster_is_none_to_store_in()
    {
        _machine.Environment["EdgeCache__Storage__Origin__Cluster"] = "edgecache";
        (await _machine.LoadBadAsync()).ShouldHaveSingleItem().ShouldContain("no such cluster");
    }

    [Fact]
    public async Task There_is_one_far_store()
    {
        SetCluster("far");
        _machine.Environment["EdgeCache__Storage__Origin__Cluster"] = "far";
        _machine.Environment["EdgeCache__Storage__S3__Bucket"] = "bucket";
        (await _machine.LoadBadAsync()).ShouldHaveSingleItem().ShouldContain("EdgeCache:Storage:S3:Bucket is set too");
    }

    [Fact]
    public async Task A_token_comes_from_one_place_fits_into_a_header_and_is_not_shown()
    {
        SetCluster("far");
        _machine.Environment["EdgeCache__Storage__Origin__Cluster"] = "far";
        _machine.Environment["EdgeCache__Storage__Origin__Token"] = $"{Secret} {Secret}";
        _machine.Environment["EdgeCache__Storage__Origin__TokenFile"] = "/some/file";
        var errors = await _machine.LoadBadAsync();
        errors.ShouldContain(e => e.Contains("TokenFile is set too", StringComparison.Ordinal));
        errors.ShouldContain(e => e.Contains("white space", StringComparison.Ordinal));
        errors.ShouldAllBe(e => !e.Contains(Secret, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_good_origin_is_taken()
    {
        SetCluster("far");
        _machine.Environment["EdgeCache__Storage__Origin__Cluster"] = "FAR";
        _machine.Environment["EdgeCache__Storage__Origin__PathPrefix"] = "a/b/";
        (await _machine.LoadGoodAsync()).Settings.Options.Storage.Origin.Cluster.ShouldBe("FAR");
    }

    private void SetCluster(string name) => _machine.Environment[$"ReverseProxy__Clusters__{name}__Destinations__a__Address"] = "http://127.0.0.1:1/";
}
