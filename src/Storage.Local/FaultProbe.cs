using EdgeCache.Storage.Local.Disk;
using EdgeCache.Storage.Local.Files;

namespace EdgeCache.Storage.Local;

/// <summary>
/// Remembers that the disk refused a write, and tries it now and then until it takes one again. Without that a node that says it is not ready would get no writes,
/// and so would never find out that it is.
/// </summary>
internal sealed class FaultProbe : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);
    private static readonly byte[] Content = new byte[4096];

    private readonly IFileSystem _files;
    private readonly StoreLayout _layout;
    private readonly PeriodicTimer _timer;
    private readonly Task _loop;
    private volatile string? _fault;

    public FaultProbe(IFileSystem files, StoreLayout layout, TimeProvider time)
    {
        _files = files;
        _layout = layout;
        _timer = new PeriodicTimer(Interval, time);
        _loop = Task.Run(RunAsync);
    }

    /// <summary>What the disk did last, as one sentence; null when it takes writes.</summary>
    public string? Fault => _fault;

    public void Report(string fault) => _fault = fault;

    /// <summary>A write has succeeded.</summary>
    public void Clear() => _fault = null;

    public async ValueTask DisposeAsync()
    {
        _timer.Dispose();
        await _loop.ConfigureAwait(false);
    }

    private async Task RunAsync()
    {
        while (await _timer.WaitForNextTickAsync().ConfigureAwait(false))
        {
            if (_fault is not null && CanWrite())
                _fault = null;
        }
    }

    private bool CanWrite()
    {
        var path = _layout.NewTemporaryPath();
        try
        {
            using (var file = _files.Create(path))
            {
                file.Write(0, Content);
                file.Sync();
            }
            _files.Delete(path);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
