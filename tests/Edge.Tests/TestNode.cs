using System.Net;
using System.Net.Sockets;
using System.Text;
using EdgeCache.Codecs.Choosing;
using EdgeCache.Edge.Configuration;
using EdgeCache.Storage;
using EdgeCache.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace EdgeCache.Edge.Tests;

/// <summary>A whole node in this process: its own folder, a real port, the configuration that the test gives.</summary>
internal sealed class TestNode : IAsyncDisposable
{
    public const string Token = "secret-of-the-test";

    private readonly TestFolder _folder;
    private readonly EdgeNode _node;

    private TestNode(TestFolder folder, EdgeNode node)
    {
        _folder = folder;
        _node = node;

        // So that the container disposes every store, also one that another stands before.
        _ = node.Services.GetServices<IBlobStore>().ToArray();
        var url = new Uri(node.Urls[0]);
        Port = url.Port;
        Client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = url, Timeout = TimeSpan.FromSeconds(30) };
        Client.DefaultRequestHeaders.Authorization = new("Bearer", Token);
    }

    /// <summary>Sends the token with every request.</summary>
    public HttpClient Client { get; }

    public int Port { get; }

    public string StoreFolder => _folder.File("store");

    public IServiceProvider Services => _node.Services;

    /// <summary>Starts a node with the store in a folder of its own.</summary>
    /// <param name="settings">Configuration keys below <c>EdgeCache:</c>, or those of <c>ReverseProxy:</c>, and their values; null takes a default of the tests away.</param>
    public static Task<TestNode> StartAsync(params (string Key, string Value)[] settings) => StartAsync(null, settings);

    /// <summary>Starts a node that is made of something else.</summary>
    /// <param name="configure">Changes the services.</param>
    /// <param name="settings">As above.</param>
    public static async Task<TestNode> StartAsync(Action<IServiceCollection>? configure, params (string Key, string Value)[] settings)
    {
        var folder = new TestFolder();
        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["EdgeCache__Listen__Port"] = "0",
            ["EdgeCache__Storage__Path"] = folder.File("store"),
            ["EdgeCache__Storage__MinFreeSpace"] = "0",

            // What a test finds stored is what it has just sent, however busy the machine is.
            ["EdgeCache__Storage__Compression__MaxDeferred"] = "0",
            ["EdgeCache__Access__Token"] = Token,
            ["Logging__LogLevel__Default"] = "None",
        };
        foreach (var (key, value) in settings.Where(s => s.Value is not null || !environment.Remove($"EdgeCache__{s.Key.Replace(":", "__", StringComparison.Ordinal)}")))
            environment[(key.StartsWith("ReverseProxy:", StringComparison.Ordinal) ? "" : "EdgeCache__") + key.Replace(":", "__", StringComparison.Ordinal)] = value;
        var sources = new ConfigurationSources { BaseDirectory = folder.Path, CurrentDirectory = folder.Path, Environment = environment };
        var loaded = await ConfigurationLoader.LoadAsync(sources, TestContext.Current.CancellationToken);
        loaded.Errors.ShouldBeEmpty();
        return new TestNode(folder, await EdgeNode.StartAsync(loaded.Configuration!, TestContext.Current.CancellationToken, services =>
        {
            services.AddSingleton<ICpuPressure>(new Idle());
            configure?.Invoke(services);
        }));
    }

    public Task<HttpResponseMessage> PutAsync(string path, byte[] content, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Put, path) { Content = new ByteArrayContent(content) };
        return SendAsync(request, headers);
    }

    public Task<HttpResponseMessage> GetAsync(string path, params (string Name, string Value)[] headers) =>
        SendAsync(new HttpRequestMessage(HttpMethod.Get, path), headers);

    public Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, params (string Name, string Value)[] headers) =>
        SendAsync(new HttpRequestMessage(method, path), headers);

    /// <summary>Sends bytes as they are and reads everything until the node closes the connection, or the status line and header if it stays open.</summary>
    public async Task<string> SendRawAsync(string request, bool closeAfterSending = false)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, Port);
        await socket.SendAsync(Encoding.Latin1.GetBytes(request));
        if (closeAfterSending)
        {
            // Half a close: the node sees the end of the request, and can still answer.
            socket.Shutdown(SocketShutdown.Send);
        }
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var answer = new StringBuilder();
        var buffer = new byte[8192];
        while (!answer.ToString().Contains("\r\n\r\n", StringComparison.Ordinal))
        {
            try
            {
                var read = await socket.ReceiveAsync(buffer, timeout.Token);
                if (read == 0)
                    break;
                answer.Append(Encoding.Latin1.GetString(buffer, 0, read));
            }
            catch (SocketException error) when (error.SocketErrorCode == SocketError.ConnectionReset)
            {
                // The node gave the connection up without reading the rest of the request.
                break;
            }
        }
        return answer.ToString();
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _node.StopAsync(CancellationToken.None);
        await _node.DisposeAsync();
        _folder.Dispose();
    }

    private Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, (string Name, string Value)[] headers)
    {
        foreach (var (name, value) in headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, value))
                (request.Content ??= new ByteArrayContent([])).Headers.TryAddWithoutValidation(name, value).ShouldBeTrue();
        }
        return Client.SendAsync(request, HttpCompletionOption.ResponseContentRead, TestContext.Current.CancellationToken);
    }
}
