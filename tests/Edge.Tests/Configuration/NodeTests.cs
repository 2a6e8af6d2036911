using System.Net;
using System.Net.Sockets;
using EdgeCache.Edge.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Yarp.ReverseProxy;

namespace EdgeCache.Edge.Tests.Configuration;

public sealed class NodeTests : IDisposable
{
    private readonly ConfigurationFixture _machine = new();

    public NodeTests()
    {
        _machine.Flag("--port", "EdgeCache:Listen:Port", "0");
        _machine.Flag("--storage", "EdgeCache:Storage:Path", "store");
    }

    public void Dispose() => _machine.Dispose();

    [Fact]
    public async Task A_node_tells_where_each_listener_really_is()
    {
        _machine.Flag("--management", "EdgeCache:Listen:Management", $"127.0.0.1:{FreePort()}");
        await using var node = await EdgeNode.StartAsync(await _machine.LoadGoodAsync(), CancellationToken.None);

        var main = new Uri(node.Urls.ShouldHaveSingleItem());
        var management = new Uri(node.ManagementUrl.ShouldNotBeNull());

        main.Port.ShouldNotBe(0);
        management.Port.ShouldNotBe(main.Port);
        using var client = new HttpClient();
        using var answer = await client.GetAsync(new Uri(management, "/health"));
        answer.IsSuccessStatusCode.ShouldBeTrue();
        answer.Headers.Contains("Server").ShouldBeFalse();
    }

    [Fact]
    public async Task A_reload_reaches_the_reverse_proxy()
    {
        _machine.WriteConfig("""{"ReverseProxy": {"Routes": {"one": {"Match": {"Path": "/one"}}}}}""");
        await using var node = await EdgeNode.StartAsync(await _machine.LoadGoodAsync(), CancellationToken.None);
        var proxy = node.Services.GetRequiredService<IProxyStateLookup>();
        proxy.TryGetRoute("one", out _).ShouldBeTrue();

        _machine.WriteConfig("""{"ReverseProxy": {"Routes": {"two": {"Match": {"Path": "/two"}}}}}""");
        (await node.Services.GetRequiredService<ConfigurationReloader>().ReloadAsync()).ShouldBeTrue();

        // YARP takes the change up in the background.
        while (!proxy.TryGetRoute("two", out _))
            await Task.Yield();
        proxy.TryGetRoute("one", out _).ShouldBeFalse();
        await node.StopAsync(CancellationToken.None);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
