using EdgeCache.Storage.Local.Disk;
using EdgeCache.Storage.Local.Listing;
using Microsoft.Data.Sqlite;

namespace EdgeCache.Storage.Local.Outbox;

/// <summary>The tables of an outbox, and how a file is known to be one.</summary>
internal static class OutboxSchema
{
    /// <summary>"ECOB" in the header of the file.</summary>
    private const int ApplicationId = 0x45434f42;

    private const int Version = 1;

    // Entries are found by their numbers alone; which key has which is in memory. The state says how many there must be, so that none is missing unnoticed.
    private const string Tables =
        """
        PRAGMA journal_mode = OFF;
        PRAGMA synchronous = OFF;
        CREATE TABLE state(id INTEGER PRIMARY KEY CHECK(id = 1), last_number INTEGER NOT NULL, entries INTEGER NOT NULL);
        CREATE TABLE entries(
          number INTEGER PRIMARY KEY, namespace TEXT NOT NULL, tenant TEXT NOT NULL, key TEXT NOT NULL, length INTEGER NOT NULL, added INTEGER NOT NULL,
          reason TEXT, checksum INTEGER NOT NULL);
        INSERT INTO state(id, last_number, entries) VALUES(1, 0, 0);
        """;

    // One owner, who keeps the file's lock, so that nothing is shared in memory. With FULL, a commit is one sync of the log that is written ahead. What that log
    // had got when a sync of it failed may not be on disk, and what comes after it counts only with it: so it is written into the file, and begun anew, at each opening.
    private const string Manner =
        """
        PRAGMA locking_mode = EXCLUSIVE;
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        PRAGMA trusted_schema = OFF;
        PRAGMA cell_size_check = ON;
        """;

    /// <summary>
    /// Makes the file where there is none. It gets its name when it is whole: so an empty one, or what was to be written into one that is not there, is damage and
    /// not a beginning.
    /// </summary>
    /// <exception cref="InvalidDataException">What is there is only a part of it.</exception>
    /// <exception cref="IOException">There is something else by its name, or it can't be made.</exception>
    public static void RequireFile(StoreLayout layout)
    {
        var path = layout.Outbox;
        if (Path.Exists(path) || new FileInfo(path).LinkTarget is not null)
        {
            if (!Posix.IsRegularFile(path))
                throw new IOException($"'{path}' is not a file.");
            if (new FileInfo(path).Length == 0)
                throw new InvalidDataException("it is empty");
            return;
        }
        if (Path.Exists(StoreLayout.LogOf(path)))
            throw new InvalidDataException($"'{StoreLayout.LogOf(path)}' is there without it");
        var temporary = layout.NewTemporaryPath();
        // A file that only its owner reads; the library would leave that to the process's mask. What it puts beside the file gets the same mode.
        using (var file = PrivateFile.Open(temporary, FileMode.Create, FileShare.ReadWrite))
        {
            using (var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = temporary, Pooling = false }.ConnectionString))
            {
                connection.Open();
                ListingSchema.Run(connection, $"{Tables} PRAGMA application_id = {ApplicationId}; PRAGMA user_version = {Version};");
            }
            file.Flush(flushToDisk: true);
        }
        File.Move(temporary, path);
        Posix.SyncFolder(layout.Root);
    }

    /// <summary>Checks that a file is an outbox, sound and of this version, and says how it is to be written.</summary>
    /// <exception cref="InvalidDataException">It is not.</exception>
    /// <exception cref="StoreUnavailableException">It is of a newer version.</exception>
    public static void Prepare(SqliteConnection connection)
    {
        ListingSchema.Run(connection, Manner);
        if (Scalar(connection, "PRAGMA application_id") is not (long)ApplicationId)
            throw new InvalidDataException("it is not an outbox");
        if (Scalar(connection, "PRAGMA user_version") is > (long)Version)
            throw new StoreUnavailableException($"The outbox '{connection.DataSource}' was written by a newer EdgeCache. Use the newer version.");
        if (Scalar(connection, "PRAGMA user_version") is not (long)Version)
            throw new InvalidDataException("it is not of this version");
        if (Scalar(connection, "PRAGMA integrity_check(1)") is not "ok" and var fault)
            throw new InvalidDataException($"{fault}");
        if (Scalar(connection, "PRAGMA wal_checkpoint(TRUNCATE)") is not 0L)
            throw new InvalidDataException("its log can't be written into it");
    }

    private static object? Scalar(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Only this class's own constants.
        command.CommandText = sql;
#pragma warning restore CA2100
        return command.ExecuteScalar();
    }
}
