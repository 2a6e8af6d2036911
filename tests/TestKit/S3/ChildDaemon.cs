using System.Diagnostics;

namespace EdgeCache.TestKit;

/// <summary>
/// A server process that never outlives the tests: a shell between the two kills it as soon as the shell's standard input ends, which it does when the process of
/// the tests ends, however that happens.
/// </summary>
public sealed class ChildDaemon : IAsyncDisposable
{
    // A line that names a signal asks the server to stop; the end of the input kills it.
    private const string Script = """
        "$@" </dev/null >>"$0" 2>&1 &
        child=$!
        read -r signal
        kill -"${signal:-KILL}" $child
        wait $child
        """;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly Process _shell;

    public ChildDaemon(string log, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo("/bin/sh", ["-c", Script, log, program, .. arguments]) { UseShellExecute = false, RedirectStandardInput = true };
        _shell = Process.Start(start)!;
    }

    /// <summary>Asks it to stop, and waits.</summary>
    public async Task StopAsync()
    {
        await _shell.StandardInput.WriteLineAsync("TERM");
        await EndAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_shell.HasExited)
            await EndAsync();
        _shell.Dispose();
    }

    private async Task EndAsync()
    {
        _shell.StandardInput.Close();
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            await _shell.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            _shell.Kill(entireProcessTree: true);
        }
    }
}
