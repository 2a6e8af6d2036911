using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace EdgeCache.Bench.Start;

/// <summary>The product as users run it, in a process of its own, and the clock since its start.</summary>
internal sealed class Node : IAsyncDisposable
{
    private const int Terminate = 15;
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);
    private readonly Process _process;
    private readonly long _began;

    private Node(string executable, string storage, int port)
    {
        var info = new ProcessStartInfo(executable, ["serve", "--host", "127.0.0.1", "--port", $"{port}", "--storage", storage, "--max-size", Filler.MaxSize])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            WorkingDirectory = Path.GetDirectoryName(executable),
        };
        foreach (var name in info.Environment.Keys.Where(n => n.StartsWith("EdgeCache__", StringComparison.OrdinalIgnoreCase) || n.StartsWith("ASPNETCORE_", StringComparison.Ordinal)).ToList())
            info.Environment.Remove(name);
        Client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = Limit };
        _began = TimeProvider.System.GetTimestamp();
        _process = Process.Start(info)!;
        _process.OutputDataReceived += (_, _) => { };
        _process.BeginOutputReadLine();
    }

    public HttpClient Client { get; }

    public TimeSpan Elapsed => TimeProvider.System.GetElapsedTime(_began);

    /// <summary>The memory of the process (its resident set), in bytes.</summary>
    public double Memory
    {
        get
        {
            var line = File.ReadLines($"/proc/{_process.Id}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
            return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
        }
    }

    public static Node Start(string executable, string storage)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        return new Node(executable, storage, port);
    }

    /// <summary>Asks until the answer has this status; what is refused before that counts as no answer.</summary>
    /// <returns>When that was, since the start of the process.</returns>
    public async Task<TimeSpan> WaitForAsync(string path, HttpStatusCode status, CancellationToken cancel)
    {
        while (Elapsed < Limit)
        {
            if (_process.HasExited)
                throw new InvalidOperationException($"The node ended with {_process.ExitCode}.");
            try
            {
                using var answer = await Client.GetAsync(path, cancel);
                if (answer.StatusCode == status)
                    return Elapsed;
            }
            catch (HttpRequestException)
            {
                // It does not listen yet.
            }
            await Task.Delay(Poll, TimeProvider.System, cancel);
        }
        throw new TimeoutException($"{path} did not answer with {status} within {Limit}.");
    }

    public async Task<long> CountBlobsAsync(CancellationToken cancel)
    {
        using var health = JsonDocument.Parse(await Client.GetStringAsync("/health", cancel));
        return health.RootElement.GetProperty("storage").GetProperty("blobs").GetInt64();
    }

    public void Kill() => _process.Kill();

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _ = SendSignal(_process.Id, Terminate);
        await _process.WaitForExitAsync().WaitAsync(Limit, TimeProvider.System);
        _process.Dispose();
        Client.Dispose();
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SendSignal(int process, int signal);
}
