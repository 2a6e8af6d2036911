using System.Diagnostics;

namespace EdgeCache.Bench.Peers.Servers;

/// <summary>nginx in the two roles it plays here, each with the settings that make it fastest.</summary>
internal static class NginxServer
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(10);

    /// <summary>A caching proxy before a static origin. The origin is another listener of the same nginx, idle once the cache is warm.</summary>
    public static Task<ServerProcess> StartCacheAsync(string folder, string origin, CancellationToken cancel)
    {
        var (port, originPort) = (ServerProcess.FreePort(), ServerProcess.FreePort());
        // tcp_nopush off: with it, bodies around 64 KiB wait for a delayed ACK in steps of 40 ms.
        return StartAsync("nginx proxy_cache", folder, port, $$"""
            proxy_cache_path {{folder}}/cache levels=1:2 keys_zone=hits:64m max_size=20g inactive=1d use_temp_path=off;
            open_file_cache max=10000 inactive=1h;
            open_file_cache_valid 1h;
            open_file_cache_min_uses 1;
            server {
              listen 127.0.0.1:{{port}} backlog=4096;
              location = /ready { return 204; }
              location / {
                proxy_pass http://127.0.0.1:{{originPort}};
                proxy_http_version 1.1;
                proxy_set_header Connection "";
                proxy_cache hits;
                proxy_cache_valid 200 1d;
                add_header X-Cache-Status $upstream_cache_status;
              }
            }
            server {
              listen 127.0.0.1:{{originPort}};
              root {{origin}};
            }
            """, cancel);
    }

    /// <summary>WebDAV PUT: nginx writes a temporary file and renames it, and syncs neither.</summary>
    public static Task<ServerProcess> StartDavAsync(string folder, string root, int bodySize, CancellationToken cancel)
    {
        // A larger buffer helps large bodies and costs small ones much of their rate.
        var buffer = BodySize.IsLarge(bodySize) ? "128k" : "16k";
        var port = ServerProcess.FreePort();
        return StartAsync("nginx WebDAV", folder, port, $$"""
            server {
              listen 127.0.0.1:{{port}} backlog=4096;
              root {{root}};
              client_max_body_size 0;
              client_body_buffer_size {{buffer}};
              location = /ready { return 204; }
              location / {
                dav_methods PUT;
                create_full_put_path on;
              }
            }
            """, cancel);
    }

    private static async Task<ServerProcess> StartAsync(string name, string folder, int port, string http, CancellationToken cancel)
    {
        var file = Path.Combine(folder, "nginx.conf");
        await File.WriteAllTextAsync(file, Configuration(folder, http), cancel);
        var info = new ProcessStartInfo(Tools.Find("nginx")!, ["-p", folder, "-c", file, "-e", Path.Combine(folder, "error.log")]);
        var server = new ServerProcess(name, port, info);
        try
        {
            await server.WaitReadyAsync("/ready", StartLimit, cancel);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    private static string Configuration(string folder, string http) => $$"""
        # Without this, workers of root become a user who may not enter the folder.
        {{(Environment.IsPrivilegedProcess ? "user root;" : "")}}
        daemon off;
        worker_processes 2;
        pid {{folder}}/nginx.pid;
        error_log stderr error;
        events { worker_connections 16384; }
        http {
          access_log off;
          sendfile on;
          tcp_nopush off;
          tcp_nodelay on;
          keepalive_timeout 300s;
          keepalive_requests 1000000000;
          default_type application/octet-stream;
          client_body_temp_path {{folder}}/temp-body;
          proxy_temp_path {{folder}}/temp-proxy;
          fastcgi_temp_path {{folder}}/temp-fastcgi;
          uwsgi_temp_path {{folder}}/temp-uwsgi;
          scgi_temp_path {{folder}}/temp-scgi;
        {{http}}
        }
        """;
}
