using Microsoft.Data.Sqlite;

namespace EdgeCache.Storage.Local.Listing;

/// <summary>The tables of the side table, and how a file is known to be one.</summary>
internal static class ListingSchema
{
    /// <summary>"ECLS" in the header of the file.</summary>
    private const int ApplicationId = 0x45434c53;

    /// <summary>A file of another version is made anew.</summary>
    private const int Version = 1;

    // Texts compare by their bytes (BINARY). Keys are ASCII, so that is ordinal order.
    // A tag's row has the blob's key too, so that one index has both the tag and the order.
    private const string Tables =
        """
        CREATE TABLE store(id BLOB NOT NULL);
        CREATE TABLE segments(id INTEGER PRIMARY KEY, position INTEGER NOT NULL, last_offset INTEGER NOT NULL, last_record BLOB);
        CREATE TABLE blobs(
          id INTEGER PRIMARY KEY, namespace TEXT NOT NULL, tenant TEXT NOT NULL, key TEXT NOT NULL, segment INTEGER NOT NULL, offset INTEGER NOT NULL,
          length INTEGER NOT NULL, created INTEGER NOT NULL, writer TEXT NOT NULL);
        CREATE UNIQUE INDEX blobs_by_key ON blobs(namespace, tenant, key);
        CREATE INDEX blobs_by_writer ON blobs(namespace, writer, tenant, key) WHERE writer <> '';
        CREATE INDEX blobs_by_segment ON blobs(segment);
        CREATE TABLE tags(
          namespace TEXT NOT NULL, tag TEXT NOT NULL, tenant TEXT NOT NULL, key TEXT NOT NULL, blob INTEGER NOT NULL,
          PRIMARY KEY(namespace, tag, tenant, key)) WITHOUT ROWID;
        CREATE INDEX tags_of_blob ON tags(blob);
        CREATE TRIGGER blob_removed AFTER DELETE ON blobs BEGIN DELETE FROM tags WHERE blob = OLD.id; END;
        CREATE TRIGGER blob_changed AFTER UPDATE ON blobs BEGIN DELETE FROM tags WHERE blob = OLD.id; END;
        """;

    // One owner, who keeps the file's lock. A few commits a minute at most: they can afford to be synced, and so a power cut leaves the table whole.
    private const string Manner =
        """
        PRAGMA locking_mode = EXCLUSIVE;
        PRAGMA journal_mode = TRUNCATE;
        PRAGMA synchronous = FULL;
        PRAGMA cache_size = -8192;
        PRAGMA trusted_schema = OFF;
        """;

    /// <summary>Makes the tables in a new file, or checks that those of another are of this store.</summary>
    /// <exception cref="InvalidDataException">The file is somebody else's, of another version or of another store.</exception>
    public static void Prepare(SqliteConnection connection, Guid storeId)
    {
        Run(connection, Manner);
        var application = Number(connection, "PRAGMA application_id");
        if (application == 0 && Number(connection, "SELECT count(*) FROM sqlite_schema") == 0)
        {
            using var transaction = connection.BeginTransaction();
            Run(connection, Tables);
            Run(connection, $"PRAGMA application_id = {ApplicationId}");
            Run(connection, $"PRAGMA user_version = {Version}");
            using var insert = connection.CreateCommand();
            insert.CommandText = "INSERT INTO store(id) VALUES(@id)";
            insert.Parameters.AddWithValue("@id", storeId.ToByteArray());
            insert.ExecuteNonQuery();
            transaction.Commit();
            return;
        }
        if (application != ApplicationId || Number(connection, "PRAGMA user_version") != Version)
            throw new InvalidDataException("It is not a list of this version.");
        using var select = connection.CreateCommand();
        select.CommandText = "SELECT id FROM store";
        if (select.ExecuteScalar() is not byte[] id || !id.AsSpan().SequenceEqual(storeId.ToByteArray()))
            throw new InvalidDataException("It is the list of another store.");
    }

    /// <summary>Runs statements that take nothing and give nothing.</summary>
    public static void Run(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Only this class's own constants.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }

    private static long Number(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Only this class's own constants.
        command.CommandText = sql;
#pragma warning restore CA2100
        return (long)command.ExecuteScalar()!;
    }
}
