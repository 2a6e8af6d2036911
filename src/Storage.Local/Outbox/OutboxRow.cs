using System.Buffers.Binary;
using System.Text;
using EdgeCache.Storage.Tiering;
using Microsoft.Data.Sqlite;

namespace EdgeCache.Storage.Local.Outbox;

/// <summary>An entry as a row. It has a checksum, because the library notices damage to its own structure and not to what is stored in it: with one wrong character another blob would be meant.</summary>
internal static class OutboxRow
{
    /// <summary>The columns, in the order in which they are bound and read.</summary>
    public const string Columns = "number, namespace, tenant, key, length, added, reason, checksum";

    /// <summary>The values of an item's row.</summary>
    public static object[] Of(OutboxItem item)
    {
        var (key, number, length, added) = item.Entry;
        return [number, key.Namespace, key.Tenant, key.Key, length, added.ToUnixTimeMilliseconds(), (object?)item.Reason ?? DBNull.Value, Checksum(item)];
    }

    /// <summary>Reads a row.</summary>
    /// <exception cref="InvalidDataException">It is not what was written.</exception>
    public static OutboxItem Read(SqliteDataReader row)
    {
        try
        {
            var key = BlobKey.Create(row.GetString(1), row.GetString(2), row.GetString(3));
            var entry = new OutboxEntry(key, row.GetInt64(0), row.GetInt64(4), DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(5)));
            var item = new OutboxItem(entry, row.IsDBNull(6) ? null : row.GetString(6));
            if (entry.Length < 0 || row.GetInt64(7) != Checksum(item))
                throw new InvalidDataException($"entry {entry.Number} is not what was written");
            return item;
        }
        catch (Exception error) when (error is ArgumentException or InvalidCastException or InvalidOperationException)
        {
            throw new InvalidDataException($"an entry can't be read: {error.Message}", error);
        }
    }

    private static long Checksum(OutboxItem item)
    {
        var (key, number, length, added) = item.Entry;
        Span<byte> numbers = stackalloc byte[24];
        BinaryPrimitives.WriteInt64LittleEndian(numbers, number);
        BinaryPrimitives.WriteInt64LittleEndian(numbers[8..], length);
        BinaryPrimitives.WriteInt64LittleEndian(numbers[16..], added.ToUnixTimeMilliseconds());
        var checksum = Crc32C.Start();
        checksum.Append(numbers);
        // No part of a key has a zero in it.
        checksum.Append(Encoding.UTF8.GetBytes($"{key.Namespace}\0{key.Tenant}\0{key.Key}\0{(item.IsParked ? '1' : '0')}{item.Reason}"));
        return checksum.Value;
    }
}
