using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace EdgeCache.Bench.Peers.Servers;

/// <summary>A server as a child process, killed with all its workers when the run ends, however it ends.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private const int KeptLines = 30;
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(250);
    private readonly Process _process;
    private readonly Queue<string> _output = [];

    public ServerProcess(string name, int port, ProcessStartInfo info)
    {
        (Name, Port) = (name, port);
        info.UseShellExecute = false;
        info.RedirectStandardOutput = true;
        info.RedirectStandardError = true;
        _process = new Process { StartInfo = info };
        _process.OutputDataReceived += Keep;
        _process.ErrorDataReceived += Keep;
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public string Name { get; }

    public int Port { get; }

    public Uri Url(string path) => new($"http://127.0.0.1:{Port}{path}");

    public double CpuSeconds() => ProcessCpu.SecondsOfTree(_process.Id);

    /// <summary>A port that nobody has right now. Another process may take it first; the server then fails to start and says so.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public async Task WaitReadyAsync(string path, TimeSpan limit, CancellationToken cancel)
    {
        var begin = Stopwatch.GetTimestamp();
        while (!await Http.AnswersAsync(Url(path), cancel))
        {
            if (_process.HasExited || Stopwatch.GetElapsedTime(begin) > limit)
            {
                throw new BenchException($"{Name} was not ready{(_process.HasExited ? $" and ended with {_process.ExitCode}" : "")}:\n{LastOutput()}");
            }

            await Task.Delay(Poll, TimeProvider.System, cancel);
        }
    }

    /// <summary>
    /// Waits until the server has stopped working on what it put off, so that the cost shows in its own run and not in the next one's.
    /// A server that is never quiet is measured as it is.
    /// </summary>
    public async Task WaitQuietAsync(CancellationToken cancel)
    {
        const double OneTick = 0.0101;
        var limit = TimeSpan.FromSeconds(10);
        var begin = Stopwatch.GetTimestamp();
        var before = CpuSeconds();
        while (Stopwatch.GetElapsedTime(begin) < limit)
        {
            await Task.Delay(Poll, TimeProvider.System, cancel);
            var now = CpuSeconds();
            if (now - before < OneTick)
            {
                return;
            }

            before = now;
        }
    }

    public void ThrowIfEnded()
    {
        if (_process.HasExited)
        {
            throw new BenchException($"{Name} ended with {_process.ExitCode} during the run:\n{LastOutput()}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        // Asked politely, the master of nginx takes its workers along and buries them; a container's first process may not.
        if (!_process.HasExited)
        {
            _ = SendSignal(_process.Id, Terminate);
        }

        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5), TimeProvider.System);
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        _process.Dispose();
    }

    private const int Terminate = 15;

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SendSignal(int process, int signal);

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (_output)
        {
            _output.Enqueue(line.Data ?? "");
            if (_output.Count > KeptLines)
            {
                _output.Dequeue();
            }
        }
    }

    private string LastOutput()
    {
        lock (_output)
        {
            return string.Join('\n', _output).Trim();
        }
    }
}
