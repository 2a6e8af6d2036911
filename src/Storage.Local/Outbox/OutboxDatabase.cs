using EdgeCache.Storage.Local.Disk;
using EdgeCache.Storage.Local.Listing;
using Microsoft.Data.Sqlite;

namespace EdgeCache.Storage.Local.Outbox;

/// <summary>The file of an outbox: one SQLite file with a row an entry. Used by one thread at a time.</summary>
internal sealed class OutboxDatabase : IDisposable
{
    /// <summary>How long somebody else's lock of the file is waited for, in seconds.</summary>
    private const int BusySeconds = 5;

    private readonly SqliteConnection _connection;
    private readonly SqliteCommand _set;
    private readonly SqliteCommand _remove;
    private readonly SqliteCommand _note;

    private OutboxDatabase(SqliteConnection connection)
    {
        _connection = connection;
        _set = Command($"INSERT OR REPLACE INTO entries({OutboxRow.Columns}) VALUES(@0, @1, @2, @3, @4, @5, @6, @7)", 8);
        _remove = Command("DELETE FROM entries WHERE number = @0", 1);
        _note = Command("UPDATE state SET last_number = @0, entries = @1", 2);
    }

    /// <summary>For tests: called within a transaction, before it is committed, and after that; what it throws is what the disk did.</summary>
    internal Action? Committing { get; set; }

    /// <inheritdoc cref="Committing"/>
    internal Action? Committed { get; set; }

    /// <summary>Opens the file of a store's folder, or makes it. What is damaged or somebody else's is not replaced.</summary>
    /// <exception cref="SqliteException">The file is damaged, locked or not accessible.</exception>
    /// <exception cref="InvalidDataException">The file is not what was written, or of another version.</exception>
    /// <exception cref="IOException">There is something else by its name, or it can't be made.</exception>
    public static OutboxDatabase Open(StoreLayout layout)
    {
        OutboxSchema.RequireFile(layout);
        var source = new SqliteConnectionStringBuilder { DataSource = layout.Outbox, Mode = SqliteOpenMode.ReadWrite, Pooling = false, DefaultTimeout = BusySeconds };
        var connection = new SqliteConnection(source.ConnectionString);
        try
        {
            connection.Open();
            OutboxSchema.Prepare(connection);
            return new OutboxDatabase(connection);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Reads everything.</summary>
    /// <exception cref="InvalidDataException">Something is missing or not what was written.</exception>
    public (Dictionary<BlobKey, OutboxItem> Items, long LastNumber) Load()
    {
        var items = new Dictionary<BlobKey, OutboxItem>();
        var largest = 0L;
        using (var select = Command($"SELECT {OutboxRow.Columns} FROM entries ORDER BY number", 0))
        using (var row = select.ExecuteReader())
        {
            while (row.Read())
            {
                var item = OutboxRow.Read(row);
                if (!items.TryAdd(item.Entry.Key, item))
                    throw new InvalidDataException($"{item.Entry.Key} has two entries");
                largest = item.Entry.Number;
            }
        }
        using var state = Command("SELECT last_number, entries FROM state", 0);
        using var noted = state.ExecuteReader();
        if (!noted.Read() || noted.GetInt64(0) is var last && (last < largest || noted.GetInt64(1) != items.Count))
            throw new InvalidDataException($"{items.Count} entries up to number {largest} are there, and another number was written");
        return (items, last);
    }

    /// <summary>Makes a plan true, durably and as a whole.</summary>
    /// <param name="plan">What is to be changed.</param>
    /// <param name="find">What a key has now.</param>
    /// <exception cref="SqliteException">The disk refused. Whether anything was written is not known: the file has to be opened and read again.</exception>
    public void Write(OutboxPlan plan, Func<BlobKey, OutboxItem?> find)
    {
        ListingSchema.Run(_connection, "BEGIN IMMEDIATE");
        foreach (var (key, item) in plan.Changes)
        {
            if (find(key) is { } old && old.Entry.Number != item?.Entry.Number)
                Run(_remove, old.Entry.Number);
            if (item is not null)
                Run(_set, OutboxRow.Of(item));
        }
        Run(_note, plan.LastNumber, plan.Entries);
        Committing?.Invoke();
        ListingSchema.Run(_connection, "COMMIT");
        Committed?.Invoke();
    }

    public void Dispose()
    {
        _set.Dispose();
        _remove.Dispose();
        _note.Dispose();
        _connection.Dispose();
    }

    private static void Run(SqliteCommand command, params ReadOnlySpan<object> values)
    {
        for (var i = 0; i < values.Length; i++)
            command.Parameters[i].Value = values[i];
        command.ExecuteNonQuery();
    }

    private SqliteCommand Command(string sql, int parameters)
    {
        var command = _connection.CreateCommand();
#pragma warning disable CA2100 // Only this class's own constants.
        command.CommandText = sql;
#pragma warning restore CA2100
        for (var i = 0; i < parameters; i++)
            command.Parameters.Add(new SqliteParameter { ParameterName = $"@{i}" });
        return command;
    }
}
