using Microsoft.Data.Sqlite;

namespace EdgeCache.Storage.Local.Listing;

/// <summary>
/// Reads a listing in parts of bounded size, each from where the one before ended, and each within one tenant: so every part is one stretch of one index, however
/// many tenants there are.
/// </summary>
internal static class ListingQuery
{
    public const int PageRows = 500;

    /// <summary>Sorts before every character of a key or tenant: what begins with a text and goes on is behind the text and this.</summary>
    private const char BeforeAll = ' ';

    /// <summary>Sorts behind every character of a key.</summary>
    private const char BehindAll = '\u007f';

    private const string ByKey = "FROM blobs b INDEXED BY blobs_by_key WHERE b.namespace = @namespace";
    private const string ByWriter = "FROM blobs b INDEXED BY blobs_by_writer WHERE b.namespace = @namespace AND b.writer = @writer AND b.writer <> ''";
    private const string Tags = "FROM tags t WHERE t.namespace = @namespace AND t.tag = @tag";

    // CROSS JOIN: the tags first, in their order.
    private const string ByTag = "FROM tags t CROSS JOIN blobs b ON b.id = t.blob WHERE t.namespace = @namespace AND t.tag = @tag";

    /// <summary>The next part.</summary>
    public static ListingPage Read(SqliteConnection connection, BlobPrefix prefix, ListingCursor cursor)
    {
        if ((prefix.Tenant ?? NextTenant(connection, prefix, cursor.Tenant)) is not { } tenant)
            return new ListingPage([], null);
        var rows = ReadRows(connection, prefix, tenant, tenant == cursor.Tenant ? cursor.From : prefix.KeyPrefix);
        if (rows.Count == PageRows)
            return new ListingPage(rows, new ListingCursor(tenant, rows[^1].Key.Key + BeforeAll));
        return new ListingPage(rows, prefix.Tenant is null ? new ListingCursor(tenant + BeforeAll, prefix.KeyPrefix) : null);
    }

    /// <summary>A key from the table.</summary>
    /// <exception cref="InvalidDataException">It is none: the table was tampered with.</exception>
    public static BlobKey KeyOf(string @namespace, string tenant, string key) =>
        BlobKey.TryCreate(@namespace, tenant, key, allowSlash: true, out var result) is { } fault ? throw new InvalidDataException(fault) : result;

    private static string? NextTenant(SqliteConnection connection, BlobPrefix prefix, string from)
    {
        var (alias, source) = prefix.Tag is not null ? ("t", Tags) : ("b", Blobs(prefix));
        using var command = Command(connection, $"SELECT {alias}.tenant {source} AND {alias}.tenant >= @tenant ORDER BY {alias}.tenant LIMIT 1", prefix, from);
        return command.ExecuteScalar() as string;
    }

    private static List<ListingRow> ReadRows(SqliteConnection connection, BlobPrefix prefix, string tenant, string from)
    {
        var (alias, source) = prefix.Tag is not null ? ("t", ByTag) : ("b", Blobs(prefix));
        var writer = prefix.Writer is null ? "" : "AND b.writer = @writer";
        using var command = Command(
            connection,
            $"""
            SELECT b.key, b.segment, b.offset, b.length, b.created {source}
            AND {alias}.tenant = @tenant AND {alias}.key >= @from AND {alias}.key < @end {writer} ORDER BY {alias}.key LIMIT {PageRows}
            """,
            prefix,
            tenant);
        command.Parameters.AddWithValue("@from", from);
        command.Parameters.AddWithValue("@end", prefix.KeyPrefix + BehindAll);
        using var reader = command.ExecuteReader();
        var rows = new List<ListingRow>();
        while (reader.Read())
            rows.Add(RowOf(reader, prefix.Namespace, tenant));
        return rows;
    }

    private static string Blobs(BlobPrefix prefix) => string.IsNullOrEmpty(prefix.Writer) ? ByKey : ByWriter;

    private static SqliteCommand Command(SqliteConnection connection, string sql, BlobPrefix prefix, string tenant)
    {
        var command = connection.CreateCommand();
#pragma warning disable CA2100 // Put together of this class's own constants.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.Parameters.AddWithValue("@namespace", prefix.Namespace);
        command.Parameters.AddWithValue("@tenant", tenant);
        if (prefix.Tag is not null)
            command.Parameters.AddWithValue("@tag", prefix.Tag);
        if (prefix.Writer is not null)
            command.Parameters.AddWithValue("@writer", prefix.Writer);
        return command;
    }

    private static ListingRow RowOf(SqliteDataReader reader, string @namespace, string tenant)
    {
        try
        {
            return new ListingRow(
                KeyOf(@namespace, tenant, reader.GetString(0)), checked((uint)reader.GetInt64(1)), reader.GetInt64(2), reader.GetInt64(3),
                DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(4)));
        }
        catch (Exception error) when (error is ArgumentOutOfRangeException or OverflowException or InvalidCastException)
        {
            throw new InvalidDataException("A row makes no sense.", error);
        }
    }
}
