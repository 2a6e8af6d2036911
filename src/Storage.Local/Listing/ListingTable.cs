using EdgeCache.Storage.Local.Disk;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace EdgeCache.Storage.Local.Listing;

/// <summary>
/// Owns the side table: opens it when it is first needed, brings it up to the log, reads pages from it, and makes it anew when it is lost or damaged. It is a reader of the
/// log and nothing else: no write waits for it, and nothing is lost with it. Where the file can't be used, a file without a name takes its place until the process ends.
/// </summary>
/// <remarks>Once somebody has asked for a listing, so that the file is there, it is kept near the log's end in the background. A store that nobody lists pays nothing.</remarks>
internal sealed partial class ListingTable : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    /// <summary>Most bytes of the log that are read in the background in one interval; what is left is read in the next, or by the next listing.</summary>
    private const long MaxBackgroundBytes = 512 << 20;

    private readonly string _path;
    private readonly Func<string?, ListingDatabase> _open;
    private readonly LogLister _lister;
    private readonly Func<CancellationToken, ValueTask> _settle;
    private readonly DiskThreads _disk;
    private readonly ILogger _logger;
    private readonly PeriodicTimer _timer;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    // Protects everything below it, and the database, which one thread uses at a time. Nothing is held with it but a key's lock or an index shard's, each for an instant; nobody who
    // has one of those waits for it.
    private readonly SemaphoreSlim _gate = new(1);
    private ListingDatabase? _database;
    private bool _isComplete;
    private long _readBytes;
    private bool _isClosed;

    /// <summary>Makes a table that is opened later.</summary>
    /// <param name="path">Its file.</param>
    /// <param name="open">Opens it; a path of null means a file without a name.</param>
    /// <param name="lister">Reads the log.</param>
    /// <param name="settle">Waits until the index is complete, and every change of a key that is under way has ended.</param>
    /// <param name="disk">Where all of the work is done.</param>
    /// <param name="time">The clock of the background.</param>
    /// <param name="logger">The log.</param>
    public ListingTable(string path, Func<string?, ListingDatabase> open, LogLister lister, Func<CancellationToken, ValueTask> settle, DiskThreads disk, TimeProvider time, ILogger logger)
    {
        _path = path;
        _open = open;
        _lister = lister;
        _settle = settle;
        _disk = disk;
        _logger = logger;
        _timer = new PeriodicTimer(Interval, time);
        _loop = RunAsync();
    }

    /// <summary>Bytes of the log that the table had been brought up to when that was last done.</summary>
    public long ReadBytes => Volatile.Read(ref _readBytes);

    /// <summary>Brings the table up to the log.</summary>
    /// <exception cref="IOException">The disk failed.</exception>
    public Task CatchUpAsync(CancellationToken cancellationToken) => UseAsync(token => CatchUpAsync(long.MaxValue, token), cancellationToken);

    /// <summary>Reads a part of a listing and confirms it, in the same step.</summary>
    /// <exception cref="IOException">The disk failed.</exception>
    public async Task<(List<BlobListing> Found, ListingCursor? Next)> ReadAsync(
        BlobPrefix prefix, ListingCursor cursor, Func<ListingRow, BlobListing?> confirm, CancellationToken cancellationToken)
    {
        (List<BlobListing>, ListingCursor?) answer = default;
        await UseAsync(
            async token =>
            {
                // It may have been made anew since this listing began.
                if (!_isComplete)
                    await CatchUpAsync(long.MaxValue, token).ConfigureAwait(false);
                answer = await _disk.RunAsync(() =>
                {
                    var page = Database().Read(prefix, cursor);
                    return (page.Rows.Select(confirm).OfType<BlobListing>().ToList(), page.Next);
                }).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
        return answer;
    }

    public async ValueTask DisposeAsync()
    {
        _timer.Dispose();
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        await _gate.WaitAsync().ConfigureAwait(false);
        _isClosed = true;
        Close();
        _gate.Release();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            while (await _timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
            {
                if (File.Exists(_path))
                    await TryCatchUpAsync().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The store is closing.
        }
    }

    private async Task TryCatchUpAsync()
    {
        try
        {
            await UseAsync(token => CatchUpAsync(MaxBackgroundBytes, token), _stop.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The next listing tries again, and says so to whoever asked.
            LogBehind(error);
        }
    }

    /// <summary>Does something with the table, alone. A table that fails is made anew, and if that fails too, without a name.</summary>
    private async Task UseAsync(Func<CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Token);
        await _gate.WaitAsync(either.Token).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_isClosed, typeof(LocalStore));
            for (var attempt = 0; ; attempt++)
            {
                try
                {
                    if (_database is null)
                        await _disk.RunAsync(() => _database = Open(isNamed: attempt < 2)).ConfigureAwait(false);
                    await work(either.Token).ConfigureAwait(false);
                    return;
                }
                catch (Exception error) when (error is SqliteException or InvalidDataException && attempt < 2)
                {
                    LogMadeAnew(error, _path);
                    await _disk.RunAsync(Discard).ConfigureAwait(false);
                }
                catch (SqliteException error)
                {
                    throw new IOException($"The list of blobs can't be made: {error.Message}", error);
                }
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Opens the file. What is damaged is made anew by the caller; what can't be used is left alone.</summary>
    private ListingDatabase Open(bool isNamed)
    {
        try
        {
            if (isNamed)
                return _open(_path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or SqliteException { SqliteErrorCode: not (Corrupt or NotADatabase) })
        {
            LogNotUsable(error, _path);
        }
        return _open(null);
    }

    private bool Discard()
    {
        Close();
        try
        {
            File.Delete(_path);
            File.Delete(ListingDatabase.JournalOf(_path));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Then the next try fails as well, and the one after that does without it.
            LogNotUsable(error, _path);
        }
        return true;
    }

    private void Close()
    {
        _database?.Dispose();
        _database = null;
        _isComplete = false;
    }

    private ListingDatabase Database() => _database ?? throw new InvalidOperationException("The table is open while it is used.");

    private async Task CatchUpAsync(long maxBytes, CancellationToken cancellationToken)
    {
        var database = Database();
        for (var isSteady = false; !isSteady;)
        {
            isSteady = true;
            var lengths = _lister.TakeLengths();
            await _settle(cancellationToken).ConfigureAwait(false);
            foreach (var (segment, length) in lengths.Values.OrderBy(l => l.Segment.Id))
            {
                cancellationToken.ThrowIfCancellationRequested();
                var position = database.MarkOf(segment.Id).Position;
                if (position >= length)
                    continue;
                if (maxBytes <= 0)
                    return;
                maxBytes -= length - position;
                isSteady &= await _disk.RunAsync(() => _lister.Read(database, segment, lengths, cancellationToken)).ConfigureAwait(false);
            }
            foreach (var gone in database.Marked.Where(id => !lengths.ContainsKey(id)).ToList())
            {
                while (await _disk.RunAsync(() => _lister.Forget(database, gone)).ConfigureAwait(false))
                    cancellationToken.ThrowIfCancellationRequested();
            }
        }
        _isComplete = true;
        Volatile.Write(ref _readBytes, database.Marked.Sum(id => database.MarkOf(id).Position));
    }

    // SQLite's result codes.
    private const int Corrupt = 11;
    private const int NotADatabase = 26;

    [LoggerMessage(LogLevel.Warning, "The list of blobs {Path} is damaged or of another store; it is made anew")]
    private partial void LogMadeAnew(Exception error, string path);

    [LoggerMessage(LogLevel.Warning, "The list of blobs {Path} can't be used; one without a name takes its place until the end")]
    private partial void LogNotUsable(Exception error, string path);

    [LoggerMessage(LogLevel.Warning, "The list of blobs could not be brought up to date; the next listing does it")]
    private partial void LogBehind(Exception error);
}
