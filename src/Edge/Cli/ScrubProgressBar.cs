using System.Globalization;
using EdgeCache.Storage.Local;

namespace EdgeCache.Edge.Cli;

/// <summary>
/// Shows how far a scrub has come: on a terminal one line that is written over, elsewhere a line now and then. Plain characters alone, also on a terminal.
/// </summary>
internal sealed class ScrubProgressBar(TextWriter output, bool isTerminal, long blobs, long bytes, TimeProvider time)
{
    private const int Width = 30;
    private const double MiB = 1 << 20;
    private static readonly TimeSpan OnTerminal = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan InLog = TimeSpan.FromSeconds(10);
    private long _last = time.GetTimestamp();
    private int _length;

    /// <summary>Shows it, unless that was done a moment ago.</summary>
    public void Show(ScrubProgress progress)
    {
        if (time.GetElapsedTime(_last) < (isTerminal ? OnTerminal : InLog))
            return;
        _last = time.GetTimestamp();
        // Blobs come and go meanwhile, so the sum may be passed.
        var share = bytes == 0 ? 1 : Math.Min(1, (double)progress.Bytes / bytes);
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"{share * 100:0} % | {progress.Blobs} of {blobs} blobs | {progress.Bytes / MiB:0.0} of {bytes / MiB:0.0} MiB | {progress.Damaged} damaged");
        if (!isTerminal)
        {
            output.WriteLine(text);
            return;
        }
        var done = (int)(share * Width);
        var line = $"[{new string('#', done)}{new string('.', Width - done)}] {text}";
        output.Write('\r' + line.PadRight(_length));
        output.Flush();
        _length = line.Length;
    }

    /// <summary>Clears the line.</summary>
    public void End()
    {
        if (_length == 0)
            return;
        output.Write('\r' + new string(' ', _length) + '\r');
        output.Flush();
    }
}
