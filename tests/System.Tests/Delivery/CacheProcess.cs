using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using EdgeCache.TestKit;

namespace EdgeCache.System.Tests.Delivery;

/// <summary>A shared cache as a process of its own, killed at the end.</summary>
internal sealed class CacheProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();

    private CacheProcess(string program, IEnumerable<string> arguments, int port)
    {
        var start = new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Append(line.Data);
        _process.ErrorDataReceived += (_, line) => Append(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        Client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = TimeSpan.FromSeconds(30) };
    }

    public HttpClient Client { get; }

    private string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    public static async Task<CacheProcess> StartAsync(string program, IEnumerable<string> arguments, int port)
    {
        var cache = new CacheProcess(program, arguments, port);
        try
        {
            await Eventually.TrueAsync(() => cache._process.HasExited ? throw new InvalidOperationException(cache.Output) : IsListening(port), TimeSpan.FromSeconds(60), $"{program} listens");
            return cache;
        }
        catch
        {
            await cache.DisposeAsync();
            throw;
        }
    }

    /// <summary>The content, and what the cache says of where it came from.</summary>
    public async Task<(string Content, string? Source)> GetAsync(string path)
    {
        using var answer = await Client.GetAsync(path);
        return (await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync(), answer.Headers.TryGetValues("X-Cache", out var values) ? values.Single() : null);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private static bool IsListening(int port)
    {
        try
        {
            using var socket = new TcpClient("127.0.0.1", port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private void Append(string? line)
    {
        lock (_output)
            _output.AppendLine(line);
    }
}
