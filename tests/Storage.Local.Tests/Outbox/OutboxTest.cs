using EdgeCache.Storage.Local.Outbox;
using EdgeCache.Storage.Tiering;
using EdgeCache.TestKit;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Time.Testing;

namespace EdgeCache.Storage.Local.Tests.Outbox;

/// <summary>A store's folder with an outbox in it that a test opens, closes and tampers with.</summary>
public abstract class OutboxTest : IDisposable
{
    // SQLite's result codes.
    private const int IoError = 10;

    private readonly TestFolder _folder = new();

    protected OutboxTest() => MakeFolder(Root);

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    protected string Root => _folder.File("store");

    protected string Other => _folder.File("other");

    protected string Database => Path.Combine(Root, "outbox.db");

    protected FakeTimeProvider Clock { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, 123, TimeSpan.Zero));

    private protected RecordingLogger Logger { get; } = new();

    public void Dispose()
    {
        _folder.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>As much of a store's folder as an outbox needs.</summary>
    protected static void MakeFolder(string path) => Directory.CreateDirectory(Path.Combine(path, "tmp"));

    protected Task<SqliteOutbox> OpenAsync(int maxEntries = 1000, long maxBytes = 1 << 20, string? path = null) =>
        SqliteOutbox.OpenAsync(new SqliteOutboxOptions { Path = path ?? Root, MaxEntries = maxEntries, MaxBytes = maxBytes }, Clock, Logger, Cancel);

    protected static async Task<OutboxEntry> AddAsync(IOutbox outbox, string name, long length = 10) =>
        (await outbox.AddAsync(Blobs.Key(name), length, Cancel)).ShouldNotBeNull($"{name} is taken");

    protected static List<string> Waiting(IOutbox outbox) => [.. outbox.ListWaiting(0, int.MaxValue).Select(e => e.Key.Key)];

    protected static List<string> Parked(IOutbox outbox) => [.. outbox.ListParked(int.MaxValue).Select(p => $"{p.Entry.Key.Key}: {p.Reason}")];

    /// <summary>Has the disk refuse a call.</summary>
    protected static void Refuse() => throw new SqliteException("disk I/O error", IoError);

    /// <summary>Copies what is in the folder now into another, as a kill or a power cut after a sync would leave it.</summary>
    protected void CopyAsKilled()
    {
        MakeFolder(Other);
        foreach (var file in Directory.GetFiles(Root))
            File.Copy(file, Path.Combine(Other, Path.GetFileName(file)), overwrite: true);
    }

    /// <summary>Does something to the tables with another program.</summary>
    protected void Execute(string sql)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Database, Pooling = false }.ConnectionString);
        connection.Open();
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // A test's own text.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }
}
