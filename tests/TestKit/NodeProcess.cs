using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.RegularExpressions;

namespace EdgeCache.TestKit;

/// <summary>
/// The real program in a process of its own, as it was built beside the tests. Killed at the end of the test, whatever happened; its folders go
/// with it.
/// </summary>
public sealed partial class NodeProcess : IAsyncDisposable
{
    private static readonly TimeSpan ExitLimit = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly TestFolder _folder = new();
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();
    private readonly NodeSetup _setup;
    private readonly Lazy<HttpClient> _client;

    private NodeProcess(NodeSetup setup)
    {
        _setup = setup;
        _client = new Lazy<HttpClient>(() => NewClient(handler: TrustingHandler()));
        string[] line = [.. setup.Wrapper, Executable, .. Arguments()];
        var start = new ProcessStartInfo(line[0], line[1..]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = _folder.Path };
        CleanEnvironment.Apply(start);
        foreach (var name in (string[])["HOME", "XDG_DATA_HOME", "TMPDIR"])
            start.Environment[name] = _folder.Path;
        foreach (var (name, value) in setup.Environment)
            start.Environment[name] = value;
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Append(_output, line.Data);
        _process.ErrorDataReceived += (_, line) => Append(_error, line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>The program under test.</summary>
    public static string Executable { get; } = Path.Combine(AppContext.BaseDirectory, "edgecache");

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public string Output => Read(_output);

    public string Error => Read(_error);

    /// <summary>Where it listens, as its start block says.</summary>
    public Uri Url => new(ListensOn().Match(Output) is { Success: true } match ? match.Groups["url"].Value : throw new InvalidOperationException($"It has not started.\n{Output}\n{Error}"));

    /// <summary>The file that was given with <c>--config</c>; a test may change it.</summary>
    public string ConfigFile => _folder.File("edgecache.json");

    /// <summary>A folder that lives as long as this process's object.</summary>
    public string Folder => _folder.Path;

    /// <summary>A client for this node, with its address as base.</summary>
    public HttpClient Client => _client.Value;

    /// <summary>Starts a node and waits until it says it is ready.</summary>
    public static async Task<NodeProcess> StartAsync(NodeSetup? setup = null)
    {
        var node = Launch(setup);
        try
        {
            await node.WaitUntilReadyAsync();
            return node;
        }
        catch
        {
            await node.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts the process and waits for nothing.</summary>
    public static NodeProcess Launch(NodeSetup? setup = null) => new(setup ?? new NodeSetup());

    /// <summary>Runs a node that must end by itself, soon.</summary>
    public static async Task<ToolRun> RunAsync(NodeSetup setup)
    {
        await using var node = Launch(setup);
        return new ToolRun(await node.WaitForExitAsync(), node.Output, node.Error);
    }

    public async Task WaitUntilReadyAsync()
    {
        await Eventually.TrueAsync(
            () => HasExited ? throw new InvalidOperationException($"It ended with {_process.ExitCode}.\n{Output}\n{Error}") : ListensOn().IsMatch(Output),
            _setup.StartLimit,
            $"the start block of the node\n{Output}\n{Error}");
        using var answer = await Client.GetAsync("/health/ready");
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>Ends it as a power cut would, as far as the process can tell.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit(ExitLimit);
    }

    /// <summary>Asks it to stop, and returns at once.</summary>
    public void Terminate() => Signal(15);

    /// <summary>Asks it to read its configuration again.</summary>
    public void HangUp() => Signal(1);

    public async Task<int> WaitForExitAsync()
    {
        using var limit = new CancellationTokenSource(ExitLimit);
        await _process.WaitForExitAsync(limit.Token);
        return _process.ExitCode;
    }

    /// <summary>The most memory that the process had so far, in bytes.</summary>
    public long ReadPeakMemory() => ReadStatus("VmHWM:");

    /// <summary>The memory that the process has now (its resident set), in bytes.</summary>
    public long ReadMemory() => ReadStatus("VmRSS:");

    /// <summary>A client of its own: it shares no connection with others.</summary>
    public HttpClient NewClient(string? token = null, SocketsHttpHandler? handler = null)
    {
        handler ??= new SocketsHttpHandler();
        handler.UseProxy = false;
        var client = new HttpClient(handler) { BaseAddress = ClientUrl(), Timeout = TimeSpan.FromSeconds(100), DefaultRequestVersion = HttpVersion.Version11 };
        if (token is not null)
            client.DefaultRequestHeaders.Authorization = new("Bearer", token);
        return client;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill();
        using var limit = new CancellationTokenSource(ExitLimit);
        await _process.WaitForExitAsync(limit.Token);
        _process.Dispose();
        if (_client.IsValueCreated)
            _client.Value.Dispose();
        _folder.Dispose();
    }

    private long ReadStatus(string field)
    {
        var line = File.ReadLines($"/proc/{Id}/status").First(l => l.StartsWith(field, StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }

    private List<string> Arguments()
    {
        var arguments = new List<string>(_setup.Arguments);
        if (!_setup.OwnPort)
            arguments.AddRange(["--port", "0"]);
        if (!_setup.OwnStorage)
            arguments.AddRange(["--storage", _setup.Storage ?? _folder.File("store")]);
        if (_setup.Config is { } config)
        {
            File.WriteAllText(ConfigFile, config);
            arguments.AddRange(["--config", ConfigFile]);
        }
        return arguments;
    }

    private SocketsHttpHandler TrustingHandler()
    {
        var handler = new SocketsHttpHandler();
        if (_setup.Trust is { } pem)
        {
            using var trusted = X509Certificate2.CreateFromPem(pem);
            var thumbprint = trusted.Thumbprint;
            handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is X509Certificate2 served && served.Thumbprint == thumbprint;
        }
        return handler;
    }

    /// <summary>All addresses is where a node may listen, not where a client may go.</summary>
    private Uri ClientUrl() => Url.Host is "0.0.0.0" or "[::]" ? new UriBuilder(Url) { Host = "127.0.0.1" }.Uri : Url;

    private void Signal(int number)
    {
        if (Kill(Id, number) != 0)
            throw new InvalidOperationException($"Signal {number} could not be sent to {Id}.");
    }

    private static void Append(StringBuilder target, string? line)
    {
        if (line is null)
            return;
        lock (target)
            target.AppendLine(line);
    }

    private static string Read(StringBuilder source)
    {
        lock (source)
            return source.ToString();
    }

    [GeneratedRegex(@"listens on\s+(?<url>https?://[^\s,]+)", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ListensOn();

    [LibraryImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Kill(int process, int signal);
}
