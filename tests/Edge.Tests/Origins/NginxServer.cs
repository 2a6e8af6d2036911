using System.Net;
using System.Net.Sockets;
using EdgeCache.TestKit;

namespace EdgeCache.Edge.Tests.Origins;

/// <summary>nginx with its WebDAV module, as any HTTP server that takes PUT and knows nothing of us. Without it the test is skipped.</summary>
internal sealed class NginxServer : IAsyncDisposable
{
    private readonly TestFolder _folder;
    private readonly ChildDaemon _daemon;

    private NginxServer(TestFolder folder, ChildDaemon daemon, Uri address)
    {
        _folder = folder;
        _daemon = daemon;
        Address = address;
    }

    public Uri Address { get; }

    /// <summary>Where the file of a blob of the namespace <c>test</c> is.</summary>
    public string FileOf(string key) => _folder.File($"www/far/cache/test/{key}");

    public static async Task<NginxServer> StartAsync()
    {
        var program = Tools.Require("nginx", "nginx");
        var folder = new TestFolder();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        Directory.CreateDirectory(folder.File("www"));
        await File.WriteAllTextAsync(folder.File("nginx.conf"), Configuration(folder.Path, port));
        var server = new NginxServer(folder, new ChildDaemon(folder.File("log"), program, "-p", folder.Path, "-e", folder.File("error.log"), "-c", folder.File("nginx.conf")), new Uri($"http://127.0.0.1:{port}/"));
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        await Eventually.TrueAsync(() => AnswersAsync(client, server.Address), TimeSpan.FromSeconds(20), "an answer of nginx");
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        await _daemon.StopAsync();
        await _daemon.DisposeAsync();
        _folder.Dispose();
    }

    private static async Task<bool> AnswersAsync(HttpClient client, Uri address)
    {
        try
        {
            using var answer = await client.GetAsync(address);
            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static string Configuration(string folder, int port) => $$"""
        daemon off;
        master_process off;
        pid {{folder}}/pid;
        events { }
        http {
            access_log off;
            client_body_temp_path {{folder}}/body;
            proxy_temp_path {{folder}}/proxy;
            fastcgi_temp_path {{folder}}/fastcgi;
            uwsgi_temp_path {{folder}}/uwsgi;
            scgi_temp_path {{folder}}/scgi;
            client_max_body_size 10m;
            server {
                listen 127.0.0.1:{{port}};
                root {{folder}}/www;
                dav_methods PUT DELETE;
                create_full_put_path on;
            }
        }
        """;
}
