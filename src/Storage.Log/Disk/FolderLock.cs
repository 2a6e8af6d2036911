using System.Globalization;
using System.Text;

namespace EdgeCache.Storage.Log.Disk;

/// <summary>
/// Keeps a second process out of the folder: an advisory lock of the system, which ends with the process however it ends. The file says who holds
/// it and whether the holder is leaving, so that a successor knows whether waiting makes sense.
/// </summary>
internal sealed class FolderLock : IDisposable
{
    private const string Running = "running";
    private const string Leaving = "leaving";
    private const int MaxOwnerLength = 256;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>A process that was told to stop an instant ago may not have said so yet.</summary>
    private static readonly TimeSpan GraceForRunning = TimeSpan.FromSeconds(1);

    private readonly FileStream _file;

    private FolderLock(FileStream file) => _file = file;

    /// <summary>Takes the lock, waiting for a holder that is leaving.</summary>
    /// <exception cref="StoreUnavailableException">Another process has the folder and keeps it.</exception>
    public static async Task<FolderLock> TakeAsync(string path, TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        while (true)
        {
            if (TryTake(path) is { } taken)
                return taken;
            var owner = ReadOwner(path);
            var waited = time.GetElapsedTime(began);
            if (waited >= (owner.Leaving ? timeout : GraceForRunning))
            {
                throw new StoreUnavailableException(
                    $"The store folder '{System.IO.Path.GetDirectoryName(path)}' is in use by process {owner.Process}"
                    + (owner.Leaving ? $", which is stopping but has not left within {timeout.TotalSeconds:0} s." : ". Stop it, or choose another folder."));
            }
            await Task.Delay(Pause, time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Tells successors that this process is stopping: waiting makes sense.</summary>
    public void MarkLeaving() => Write(Leaving);

    public void Dispose() => _file.Dispose();

    private static FolderLock? TryTake(string path)
    {
        try
        {
            var taken = new FolderLock(PrivateFile.Open(path, FileMode.OpenOrCreate, FileShare.None));
            taken.Write(Running);
            return taken;
        }
        catch (IOException error) when (Posix.IsLocked(error))
        {
            return null;
        }
    }

    private void Write(string state)
    {
        var text = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId} {state}\n"));
        try
        {
            // Both states are equally long and written over each other, so nobody reads half of one.
            _file.Position = 0;
            _file.Write(text);
            _file.Flush();
            _file.SetLength(text.Length);
        }
        catch (IOException)
        {
            // The lock holds without its text: a full disk must not keep a store from starting, or a process from stopping.
        }
    }

    private static (string Process, bool Leaving) ReadOwner(string path)
    {
        try
        {
            using var file = Posix.OpenUnlocked(path);
            Span<byte> bytes = stackalloc byte[MaxOwnerLength];
            var text = Encoding.ASCII.GetString(bytes[..RandomAccess.Read(file, bytes, 0)]).Split(' ', StringSplitOptions.TrimEntries);
            return text is [var process, var state] ? (process, state == Leaving) : ("(unknown)", false);
        }
        catch (IOException)
        {
            // The owner has just gone, or the system locks for readers too.
            return ("(unknown)", false);
        }
    }
}
