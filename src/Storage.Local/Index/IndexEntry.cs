using System.Runtime.InteropServices;

namespace EdgeCache.Storage.Local.Index;

/// <summary>
/// Where a blob is, and what must be known of it without reading it. 40 bytes without references or padding, so that a million are one copy,
/// cost the garbage collector nothing, and go to a snapshot as they are.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = Size)]
internal struct IndexEntry
{
    public const int Size = 40;

    /// <summary>The start of 2020, in seconds since 1970.</summary>
    private const long Epoch = 1_577_836_800;

    public const byte MaxFrequency = 3;

    /// <summary>Unit of <see cref="Offset"/>, in bytes: records are aligned to it.</summary>
    public const int OffsetUnit = 8;

    /// <summary>Unit of <see cref="Length"/> of a large blob, in bytes.</summary>
    public const int LargeUnit = 4096;

    [FieldOffset(0)]
    public KeyHash Hash;

    /// <summary>The segment of the blob's record. Ids are never used again, so a location names one record for ever.</summary>
    [FieldOffset(16)]
    public uint Segment;

    /// <summary>Where in the segment, in units of <see cref="OffsetUnit"/>.</summary>
    [FieldOffset(20)]
    public uint Offset;

    /// <summary>Bytes of a small blob's record; space of a large blob's file in units of <see cref="LargeUnit"/>. Never 0: that is a free slot.</summary>
    [FieldOffset(24)]
    public uint Length;

    /// <summary>When the blob was stored, in seconds since the start of 2020 (UTC).</summary>
    [FieldOffset(28)]
    public uint Created;

    /// <summary>When the content was last checked against its checksum, in minutes since the start of 2020 (UTC).</summary>
    [FieldOffset(32)]
    public uint Tick;

    [FieldOffset(36)]
    public ushort NamespaceId;

    [FieldOffset(38)]
    public EntryFlags Flags;

    /// <summary>How often it was asked for since it was last judged, up to <see cref="MaxFrequency"/>.</summary>
    [FieldOffset(39)]
    public byte Frequency;

    /// <summary>Bytes of disk that the blob takes.</summary>
    public readonly long Bytes => (Flags & EntryFlags.Large) == EntryFlags.None ? Length : (long)Length * LargeUnit;

    /// <summary>When the blob was stored, in seconds since 1970 (UTC).</summary>
    public readonly long CreatedSeconds => Epoch + Created;

    /// <summary>
    /// When its content was last found good or, before the first check, stored; in seconds since 1970 (UTC). A time that is yet to come is that of a clock that was wrong, and
    /// says nothing: without another it is 1970.
    /// </summary>
    public readonly long KnownGoodSeconds(long now)
    {
        var (stored, checkedAt) = (Epoch + Created, Epoch + (Tick * 60L));
        return Math.Max(stored <= now ? stored : 0, Tick > 0 && checkedAt <= now ? checkedAt : 0);
    }

    public readonly long ByteOffset => (long)Offset * OffsetUnit;

    public readonly bool IsLarge => (Flags & EntryFlags.Large) != EntryFlags.None;

    public readonly bool IsVerified => (Flags & EntryFlags.Verified) != EntryFlags.None;

    /// <summary>The entry of a blob that is a record.</summary>
    public static IndexEntry Small(KeyHash hash, uint segment, long byteOffset, int recordLength, ushort namespaceId, DateTimeOffset created) => new()
    {
        Hash = hash,
        Segment = segment,
        Offset = ToUnits(byteOffset),
        Length = (uint)recordLength,
        NamespaceId = namespaceId,
        Created = ToSeconds(created),
    };

    /// <summary>The entry of a blob that has a file of its own.</summary>
    public static IndexEntry Large(KeyHash hash, uint segment, long byteOffset, long fileBytes, ushort namespaceId, DateTimeOffset created) => new()
    {
        Hash = hash,
        Segment = segment,
        Offset = ToUnits(byteOffset),
        Length = (uint)Math.Max(1, (fileBytes + LargeUnit - 1) / LargeUnit),
        NamespaceId = namespaceId,
        Created = ToSeconds(created),
        Flags = EntryFlags.Large,
    };

    /// <summary>A time as <see cref="Tick"/> has it.</summary>
    public static uint ToMinutes(DateTimeOffset time) => ToSeconds(time) / 60;

    public static uint ToUnits(long byteOffset) => checked((uint)(byteOffset / OffsetUnit));

    public readonly bool IsAt(uint segment, uint offset) => Segment == segment && Offset == offset;

    /// <summary>Whether an index can hold it.</summary>
    public readonly bool IsValid => Length != 0 && Frequency <= MaxFrequency;

    private static uint ToSeconds(DateTimeOffset time) => (uint)Math.Clamp(time.ToUnixTimeSeconds() - Epoch, 0, uint.MaxValue);
}

[Flags]
internal enum EntryFlags : byte
{
    None = 0,

    /// <summary>The content is in a file of its own; the record is only its entry.</summary>
    Large = 1,

    /// <summary>The content was checked against the digest that its key names.</summary>
    Verified = 2,
}
