using System.Threading.Channels;
using EdgeCache.Storage.Local.Disk;
using EdgeCache.Storage.Tiering;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace EdgeCache.Storage.Local.Outbox;

/// <summary>
/// The outbox in a SQLite file in the store's folder. One writer takes the changes of all who wait into one transaction, so that they share a sync. All entries are
/// in memory too, and questions are answered from there.
/// </summary>
/// <remarks>
/// What can't be written is refused, and then nothing is assumed: the file is opened and read again before the next change. A wait that is cancelled does not take back its change.
/// </remarks>
public sealed partial class SqliteOutbox : IOutbox
{
    /// <summary>Changes that wait for the writer; whoever comes then waits for a place.</summary>
    private const int QueueLength = 1024;

    private const int MaxBatch = 256;

    private readonly StoreLayout _layout;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly OutboxPicture _picture;
    private readonly DiskThreads _disk = new(1, "outbox");
    private readonly Channel<OutboxChange> _queue =
        Channel.CreateBounded<OutboxChange>(new BoundedChannelOptions(QueueLength) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    // These are the writer's; before it starts and after it has ended, whoever starts and ends it has them.
    private OutboxDatabase? _database;
    private long _lastNumber;
    private Task _loop = Task.CompletedTask;
    private int _disposed;

    static SqliteOutbox() => SQLitePCL.Batteries_V2.Init();

    private SqliteOutbox(StoreLayout layout, SqliteOutboxOptions options, TimeProvider time, ILogger logger)
    {
        _layout = layout;
        _time = time;
        _logger = logger;
        _picture = new OutboxPicture(options.MaxEntries, options.MaxBytes);
    }

    /// <summary>For tests: called within each transaction before it is committed, and after that; what it throws is what the disk did.</summary>
    internal Action? Committing { get; set; }

    /// <inheritdoc cref="Committing"/>
    internal Action? Committed { get; set; }

    /// <summary>For tests: transactions so far.</summary>
    internal long Commits { get; private set; }

    /// <inheritdoc/>
    public OutboxState State => _picture.State;

    /// <summary>Opens the outbox of a store's folder, or makes it. The folder has to be there, and the caller's alone: the store is open.</summary>
    /// <exception cref="StoreUnavailableException">It can't be read or written, or is damaged: what it listed must not be forgotten without anybody knowing. The message says what to do.</exception>
    public static async Task<SqliteOutbox> OpenAsync(SqliteOutboxOptions options, TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxEntries, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxBytes, 1, nameof(options));
        cancellationToken.ThrowIfCancellationRequested();
        var layout = new StoreLayout(Path.GetFullPath(options.Path));
        var outbox = new SqliteOutbox(layout, options, time, logger);
        try
        {
            await outbox._disk.RunAsync(outbox.Reload).ConfigureAwait(false);
        }
        catch (Exception error) when (error is SqliteException or IOException or InvalidDataException or UnauthorizedAccessException)
        {
            outbox.Close();
            outbox._disk.Dispose();
            if (error is StoreUnavailableException)
                throw;
            throw new StoreUnavailableException(IsDamage(error) ? DamageText(layout.Outbox, error) : $"The outbox '{layout.Outbox}' can't be opened: {error.Message}", error);
        }
        outbox._loop = Task.Run(outbox.RunAsync, CancellationToken.None);
        var state = outbox.State;
        outbox.LogOpened(layout.Outbox, state.Waiting, state.Parked);
        return outbox;
    }

    /// <summary>Whether a store's folder has an outbox with something in it, or may have: there is its file.</summary>
    public static bool IsIn(string path)
    {
        var layout = new StoreLayout(Path.GetFullPath(path));
        return Path.Exists(layout.Outbox) || Path.Exists(StoreLayout.LogOf(layout.Outbox));
    }

    /// <inheritdoc/>
    public bool Contains(BlobKey key) => _picture.Find(key) is not null;

    /// <inheritdoc/>
    public OutboxEntry? Find(BlobKey key) => _picture.Find(key)?.Entry;

    /// <inheritdoc/>
    public async ValueTask<OutboxEntry?> AddAsync(BlobKey key, long length, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        // As it is written, so that it is the same after a start.
        var now = DateTimeOffset.FromUnixTimeMilliseconds(_time.GetUtcNow().ToUnixTimeMilliseconds());
        return await ChangeAsync(plan => plan.Add(key, length, now), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask RemoveAsync(OutboxEntry entry, CancellationToken cancellationToken) =>
        await ChangeAsync(plan => plan.Remove(entry), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public async ValueTask ParkAsync(OutboxEntry entry, string reason, CancellationToken cancellationToken) =>
        await ChangeAsync(plan => plan.Park(entry, reason), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public async ValueTask<int> ReleaseAsync(CancellationToken cancellationToken) =>
        await ChangeAsync(static plan => plan.Release(), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public IReadOnlyList<OutboxEntry> ListWaiting(long after, int limit) => _picture.List(parked: false, after, limit).ConvertAll(i => i.Entry);

    /// <inheritdoc/>
    public IReadOnlyList<ParkedEntry> ListParked(int limit) => _picture.List(parked: true, long.MinValue, limit).ConvertAll(i => new ParkedEntry(i.Entry, i.Reason!));

    /// <summary>Makes the changes that were asked for until now, and closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
            _queue.Writer.TryComplete();
        await _loop.ConfigureAwait(false);
    }

    private async Task<T> ChangeAsync<T>(Func<OutboxPlan, T> plan, CancellationToken cancellationToken)
    {
        var change = new OutboxChange<T>(plan);
        try
        {
            await _queue.Writer.WriteAsync(change, cancellationToken).ConfigureAwait(false);
        }
        catch (ChannelClosedException error)
        {
            throw new ObjectDisposedException("The outbox is closed.", error);
        }
        return await change.Done.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task RunAsync()
    {
        var batch = new List<OutboxChange>();
        while (await _queue.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            batch.Clear();
            while (batch.Count < MaxBatch && _queue.Reader.TryRead(out var change))
                batch.Add(change);
            await _disk.RunAsync(() => Apply(batch)).ConfigureAwait(false);
        }
        await _disk.RunAsync(Close).ConfigureAwait(false);
        _disk.Dispose();
    }

    private bool Apply(List<OutboxChange> batch)
    {
        try
        {
            if (_database is null)
                Reload();
            var plan = new OutboxPlan(_picture, _lastNumber);
            batch.ForEach(c => c.Plan(plan));
            if (plan.Changes.Count > 0)
                Commit(plan);
        }
#pragma warning disable CA1031 // Whatever it was, those who wait are told, and the next who come are served.
        catch (Exception error)
#pragma warning restore CA1031
        {
            LogRefused(error, _layout.Outbox);
            Close();
            batch.ForEach(c => c.Fail(new IOException($"The outbox can't be written: {error.Message}", error)));
            return false;
        }
        batch.ForEach(c => c.Complete());
        return true;
    }

    private void Commit(OutboxPlan plan)
    {
        _database!.Committing = Committing;
        _database.Committed = Committed;
        _database.Write(plan, _picture.Find);
        Commits++;
        _lastNumber = plan.LastNumber;
        foreach (var (key, item) in plan.Changes)
            _picture.Set(key, item);
    }

    /// <summary>Opens the file and makes the picture of what it says. Where it can't be opened the picture stays: a blob too many is kept rather than one too few.</summary>
    private bool Reload()
    {
        _database = OutboxDatabase.Open(_layout);
        try
        {
            (var items, _lastNumber) = _database.Load();
            _picture.Replace(items);
            return true;
        }
        catch
        {
            Close();
            throw;
        }
    }

    private bool Close()
    {
        _database?.Dispose();
        _database = null;
        return true;
    }

    private static bool IsDamage(Exception error) => error is InvalidDataException or SqliteException { SqliteErrorCode: NoSuchTable or Corrupt or NotADatabase };

    private static string DamageText(string path, Exception error) =>
        $"The outbox '{path}' is damaged: {error.Message.TrimEnd('.')}. It lists artifacts that were acknowledged and may not be in the far store yet, so it is not simply replaced. Restore it; "
        + $"or, to go on without it, move it and '{StoreLayout.LogOf(path)}' away: the artifacts stay in the store, but are not sent to the far store and may be evicted.";

    // SQLite's result codes. The first is that of a statement which does not fit the tables; there is nothing else that it could be here.
    private const int NoSuchTable = 1;
    private const int Corrupt = 11;
    private const int NotADatabase = 26;

    [LoggerMessage(LogLevel.Information, "Opened the outbox {Path}: {Waiting} wait to be sent to the far store, {Parked} are parked")]
    private partial void LogOpened(string path, int waiting, int parked);

    [LoggerMessage(LogLevel.Error, "The outbox {Path} can't be written; writes that need it are refused until it can")]
    private partial void LogRefused(Exception error, string path);
}
