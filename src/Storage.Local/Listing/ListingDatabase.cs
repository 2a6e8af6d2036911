using EdgeCache.Storage.Local.Disk;
using EdgeCache.Storage.Local.Segments;
using Microsoft.Data.Sqlite;

namespace EdgeCache.Storage.Local.Listing;

/// <summary>
/// The side table: one SQLite file with a row a blob, written from the records of the log, with how far each segment has been read. Used by one thread at a time.
/// </summary>
internal sealed class ListingDatabase : IDisposable
{
    /// <summary>How long somebody else's lock of the file is waited for, in seconds.</summary>
    private const int BusySeconds = 1;

    private readonly SqliteConnection _connection;
    private readonly Dictionary<uint, SegmentMark> _marks = [];
    private readonly SqliteCommand _insert;
    private readonly SqliteCommand _insertTag;
    private readonly SqliteCommand _mark;

    static ListingDatabase() => SQLitePCL.Batteries_V2.Init();

    private ListingDatabase(SqliteConnection connection)
    {
        _connection = connection;
        // An update of a row has the trigger remove its tags.
        _insert = Command(
            """
            INSERT INTO blobs(namespace, tenant, key, segment, offset, length, created, writer)
            VALUES(@namespace, @tenant, @key, @segment, @offset, @length, @created, @writer)
            ON CONFLICT(namespace, tenant, key) DO UPDATE SET
              segment = excluded.segment, offset = excluded.offset, length = excluded.length, created = excluded.created, writer = excluded.writer
            RETURNING id
            """,
            ["@namespace", "@tenant", "@key", "@segment", "@offset", "@length", "@created", "@writer"]);
        _insertTag = Command(
            "INSERT OR IGNORE INTO tags(namespace, tag, tenant, key, blob) VALUES(@namespace, @tag, @tenant, @key, @blob)",
            ["@namespace", "@tag", "@tenant", "@key", "@blob"]);
        _mark = Command(
            "INSERT OR REPLACE INTO segments(id, position, last_offset, last_record) VALUES(@id, @position, @offset, @record)", ["@id", "@position", "@offset", "@record"]);
    }

    /// <summary>Opens the file, or makes it.</summary>
    /// <param name="path">The file; null for one without a name, which goes when it is closed.</param>
    /// <param name="storeId">Whose it has to be.</param>
    /// <param name="segments">The log that its marks have to fit.</param>
    /// <exception cref="SqliteException">The file is damaged, locked or not accessible.</exception>
    /// <exception cref="InvalidDataException">The file is sound and not of this store or log.</exception>
    /// <exception cref="IOException">There is something else by its name.</exception>
    public static ListingDatabase Open(string? path, Guid storeId, SegmentSet segments)
    {
        if (path is not null)
            MakeFile(path);
        var source = new SqliteConnectionStringBuilder { DataSource = path ?? "", Pooling = false, DefaultTimeout = BusySeconds };
        var connection = new SqliteConnection(source.ConnectionString);
        try
        {
            connection.Open();
            ListingSchema.Prepare(connection, storeId);
            var database = new ListingDatabase(connection);
            database.ReadMarks(segments);
            return database;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>How far a segment has been read.</summary>
    public SegmentMark MarkOf(uint segment) => _marks.GetValueOrDefault(segment, new SegmentMark(Segment.HeaderLength, 0, null));

    /// <summary>Segments that have been read, in part or whole.</summary>
    public IReadOnlyCollection<uint> Marked => _marks.Keys;

    /// <summary>Keeps all that is done, or nothing of it. A mark has to be the last of it: it is known at once.</summary>
    public void Atomically(Action work)
    {
        ListingSchema.Run(_connection, "BEGIN");
        try
        {
            work();
            ListingSchema.Run(_connection, "COMMIT");
        }
        catch
        {
            RollBack();
            throw;
        }
    }

    /// <summary>Says what a key has, in the place of what it had.</summary>
    public void Set(BlobMetadata metadata, RecordLocation location)
    {
        var key = metadata.Key;
        var id = Bind(_insert, key.Namespace, key.Tenant, key.Key, (long)location.Segment, location.Offset, metadata.Length, metadata.Created.ToUnixTimeMilliseconds(), metadata.Writer).ExecuteScalar();
        foreach (var tag in metadata.Tags)
            Bind(_insertTag, key.Namespace, tag, key.Tenant, key.Key, id).ExecuteNonQuery();
    }

    /// <summary>Notes how far a segment has been read.</summary>
    public void SetMark(uint segment, SegmentMark mark)
    {
        Bind(_mark, (long)segment, mark.Position, mark.LastOffset, (object?)mark.LastRecord ?? DBNull.Value).ExecuteNonQuery();
        _marks[segment] = mark;
    }

    /// <summary>The keys whose rows were read from a segment, some at a time.</summary>
    public List<BlobKey> KeysOf(uint segment, int limit)
    {
        using var select = Command("SELECT namespace, tenant, key FROM blobs INDEXED BY blobs_by_segment WHERE segment = @segment LIMIT @limit", ["@segment", "@limit"]);
        using var reader = Bind(select, (long)segment, (long)limit).ExecuteReader();
        var keys = new List<BlobKey>();
        while (reader.Read())
            keys.Add(ListingQuery.KeyOf(reader.GetString(0), reader.GetString(1), reader.GetString(2)));
        return keys;
    }

    /// <summary>Forgets a key.</summary>
    public void Remove(BlobKey key)
    {
        using var delete = Command("DELETE FROM blobs WHERE namespace = @namespace AND tenant = @tenant AND key = @key", ["@namespace", "@tenant", "@key"]);
        Bind(delete, key.Namespace, key.Tenant, key.Key).ExecuteNonQuery();
    }

    /// <summary>Forgets a segment that has no rows any more.</summary>
    public void RemoveMark(uint segment)
    {
        using var delete = Command("DELETE FROM segments WHERE id = @id", ["@id"]);
        Bind(delete, (long)segment).ExecuteNonQuery();
        _marks.Remove(segment);
    }

    /// <summary>Reads the next part of a listing.</summary>
    public ListingPage Read(BlobPrefix prefix, ListingCursor cursor) => ListingQuery.Read(_connection, prefix, cursor);

    public void Dispose()
    {
        _insert.Dispose();
        _insertTag.Dispose();
        _mark.Dispose();
        _connection.Dispose();
    }

    /// <summary>Makes a file that only its owner reads; the library would leave that to the process's mask. Its journal gets the same mode.</summary>
    private static void MakeFile(string path)
    {
        if (Path.Exists(path) || new FileInfo(path).LinkTarget is not null)
        {
            if (!Posix.IsRegularFile(path))
                throw new IOException($"'{path}' is not a file.");
            return;
        }
        // What a lost file left undone is not the new one's.
        File.Delete(JournalOf(path));
        PrivateFile.Open(path, FileMode.CreateNew, FileShare.ReadWrite).Dispose();
    }

    /// <summary>Where the library writes what it may have to take back.</summary>
    public static string JournalOf(string path) => path + "-journal";

    private void ReadMarks(SegmentSet segments)
    {
        using var select = Command("SELECT id, position, last_offset, last_record FROM segments", []);
        using var reader = select.ExecuteReader();
        while (reader.Read())
        {
            var id = checked((uint)reader.GetInt64(0));
            var mark = new SegmentMark(reader.GetInt64(1), reader.GetInt64(2), reader.IsDBNull(3) ? null : (byte[])reader.GetValue(3));
            if (segments.Find(id) is { } segment && !Fits(segment, mark))
                throw new InvalidDataException($"It was read from another segment {id}.");
            _marks[id] = mark;
        }
    }

    /// <summary>Whether a segment is the one that was read: as long, and with the same record where the last one was. After a crash an id may come again.</summary>
    private static bool Fits(Segment segment, SegmentMark mark)
    {
        if (segment.Length < mark.Position)
            return false;
        if (mark.LastRecord is null)
            return true;
        Span<byte> header = stackalloc byte[RecordFormat.HeaderLength];
        try
        {
            return segment.File.Read(mark.LastOffset, header) == header.Length && RecordFormat.TryRead(header, out var there)
                && RecordFormat.TryRead(mark.LastRecord, out var known) && there with { Dead = false } == known;
        }
        catch (ObjectDisposedException)
        {
            // Removed in this instant.
            return true;
        }
    }

    private void RollBack()
    {
        try
        {
            ListingSchema.Run(_connection, "ROLLBACK");
        }
        catch (SqliteException)
        {
            // The library has done so already, or can't: then what went wrong first says it.
        }
    }

    private SqliteCommand Command(string sql, string[] parameters)
    {
        var command = _connection.CreateCommand();
#pragma warning disable CA2100 // Only this class's own constants.
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach (var name in parameters)
            command.Parameters.Add(new SqliteParameter { ParameterName = name });
        return command;
    }

    private static SqliteCommand Bind(SqliteCommand command, params ReadOnlySpan<object?> values)
    {
        for (var i = 0; i < values.Length; i++)
            command.Parameters[i].Value = values[i];
        return command;
    }
}
