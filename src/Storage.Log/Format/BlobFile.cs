namespace EdgeCache.Storage.Log.Format;

/// <summary>
/// The numbers of the blob file, version 1. All integers are little-endian. A file is header, payload, trailer, and nothing else:
/// <code>
/// header   0  8  "EDGEBLOB"
///          8  2  version, 1
///         10  2  zero
///         12  4  length of the header, a multiple of 8
///         16  8  length of the payload
///         24  4  length of the trailer
///         28  4  CRC-32C of the header, with zero in this place
///         32  8  generation
///         40  -  fields, then zeros up to the header's length
/// payload
/// trailer  0  -  fields
///         -4  4  CRC-32C of the trailer before it
/// </code>
/// A field is its type (2 bytes), the length of its value (4 bytes) and the value. Type 0 ends the fields. A reader keeps a field that it does not
/// know, unless the type's highest bit is set: then it must not use the file. What is known when writing begins is in the header, whose length
/// is fixed from then on; what is known only at the end (the checksums) is in the trailer.
/// </summary>
internal static class BlobFile
{
    public const ushort Version = 1;
    public const int PrologueLength = 40;
    public const int FieldHeaderLength = 6;

    /// <summary>Content bytes that one checksum covers.</summary>
    public const int BlockLength = 1 << 20;

    /// <summary>Longest header that is believed: the limits on its fields add up to less.</summary>
    public const int MaxHeaderLength = 64 * 1024;

    public const int VersionOffset = 8;
    public const int HeaderLengthOffset = 12;
    public const int PayloadLengthOffset = 16;
    public const int TrailerLengthOffset = 24;
    public const int ChecksumOffset = 28;
    public const int GenerationOffset = 32;

    public static ReadOnlySpan<byte> Magic => "EDGEBLOB"u8;
}

/// <summary>Types of the fields of header and trailer.</summary>
internal enum FieldType : ushort
{
    End = 0,
    Namespace = 1,
    Tenant = 2,
    Key = 3,

    /// <summary>8 bytes.</summary>
    ContentLength = 4,

    /// <summary>32 bytes, SHA-256 of the content.</summary>
    ContentDigest = 5,
    ContentType = 6,

    /// <summary>8 bytes, milliseconds since 1970.</summary>
    Created = 7,
    Writer = 8,

    /// <summary>One a tag.</summary>
    Tag = 9,

    /// <summary>One a header: length of the name (2 bytes), name, value.</summary>
    StoredHeader = 10,
    Coding = 11,

    /// <summary>32 bytes, SHA-256 of the payload; absent when it is the content's.</summary>
    PayloadDigest = 12,
    FarValidator = 13,

    /// <summary>In the trailer: algorithm (4 bytes, 1 = CRC-32C), content bytes a checksum covers (4 bytes), then 4 bytes a checksum.</summary>
    BlockChecksums = 32,

    /// <summary>From here on, a reader that does not know the type must not use the file.</summary>
    MustUnderstand = 0x8000,
}
