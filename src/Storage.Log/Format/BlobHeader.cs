using System.Buffers.Binary;
using System.Text;

namespace EdgeCache.Storage.Log.Format;

/// <summary>Writes the header of a blob file. The length depends only on what is known before the first byte of content.</summary>
internal static class BlobHeader
{
    public static int Measure(BlobMetadata metadata)
    {
        var length = BlobFile.PrologueLength
            + Field(metadata.Key.Namespace) + Field(metadata.Key.Tenant) + Field(metadata.Key.Key)
            + FieldOf(sizeof(long)) + FieldOf(Sha256Digest.Size) + Field(metadata.ContentType) + FieldOf(sizeof(long))
            + Field(metadata.Writer) + Field(metadata.Coding) + Field(metadata.FarValidator)
            + metadata.Tags.Sum(Field)
            + metadata.StoredHeaders.Sum(h => FieldOf(sizeof(ushort) + Bytes(h.Key) + Bytes(h.Value)))
            + metadata.UnknownFields.Sum(f => FieldOf(f.Value.Length));
        if (metadata.Coding.Length > 0)
            length += FieldOf(Sha256Digest.Size);
        return (length + 7) & ~7;
    }

    /// <summary>Refuses metadata that a reader would not give back as it was: beyond a limit, or a field in the place of one of ours.</summary>
    /// <exception cref="ArgumentException">The metadata can't be stored.</exception>
    public static void Check(BlobMetadata metadata)
    {
        if (Bytes(metadata.ContentType) > BlobMetadata.MaxContentTypeLength)
            throw new ArgumentException($"A content type has at most {BlobMetadata.MaxContentTypeLength} bytes.", nameof(metadata));
        if (metadata.Tags.Sum(Bytes) > BlobMetadata.MaxTagsLength)
            throw new ArgumentException($"The tags have at most {BlobMetadata.MaxTagsLength} bytes together.", nameof(metadata));
        if (metadata.StoredHeaders.Any(h => h.Key.Length == 0) || metadata.StoredHeaders.Sum(h => Bytes(h.Key) + Bytes(h.Value)) > BlobMetadata.MaxStoredHeadersLength)
            throw new ArgumentException($"Stored headers have names, and at most {BlobMetadata.MaxStoredHeadersLength} bytes together.", nameof(metadata));
        if (metadata.UnknownFields.Any(f => f.Type >= (ushort)FieldType.MustUnderstand || Enum.IsDefined((FieldType)f.Type)))
            throw new ArgumentException("An unknown field has a type that this version knows, or must not ignore.", nameof(metadata));
        if (Measure(metadata) > BlobFile.MaxHeaderLength)
            throw new ArgumentException($"The metadata takes more than {BlobFile.MaxHeaderLength} bytes.", nameof(metadata));
    }

    /// <summary>Fills <paramref name="header"/>, which has exactly the measured length.</summary>
    public static void Write(Span<byte> header, BlobMetadata metadata, int trailerLength)
    {
        header.Clear();
        BlobFile.Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt16LittleEndian(header[BlobFile.VersionOffset..], BlobFile.Version);
        BinaryPrimitives.WriteInt32LittleEndian(header[BlobFile.HeaderLengthOffset..], header.Length);
        BinaryPrimitives.WriteInt64LittleEndian(header[BlobFile.PayloadLengthOffset..], metadata.PayloadLength);
        BinaryPrimitives.WriteInt32LittleEndian(header[BlobFile.TrailerLengthOffset..], trailerLength);
        BinaryPrimitives.WriteInt64LittleEndian(header[BlobFile.GenerationOffset..], metadata.Generation);
        var fields = new FieldWriter(header[BlobFile.PrologueLength..]);
        WriteFields(ref fields, metadata);
        BinaryPrimitives.WriteUInt32LittleEndian(header[BlobFile.ChecksumOffset..], Crc32C.Of(header));
    }

    private static void WriteFields(ref FieldWriter fields, BlobMetadata metadata)
    {
        fields.Text(FieldType.Namespace, metadata.Key.Namespace);
        fields.Text(FieldType.Tenant, metadata.Key.Tenant);
        fields.Text(FieldType.Key, metadata.Key.Key);
        BinaryPrimitives.WriteInt64LittleEndian(fields.Add(FieldType.ContentLength, sizeof(long)), metadata.Length);
        metadata.Sha256.CopyTo(fields.Add(FieldType.ContentDigest, Sha256Digest.Size));
        fields.Text(FieldType.ContentType, metadata.ContentType);
        BinaryPrimitives.WriteInt64LittleEndian(fields.Add(FieldType.Created, sizeof(long)), metadata.Created.ToUnixTimeMilliseconds());
        fields.Text(FieldType.Writer, metadata.Writer);
        fields.Text(FieldType.Coding, metadata.Coding);
        fields.Text(FieldType.FarValidator, metadata.FarValidator);
        foreach (var tag in metadata.Tags)
            fields.Text(FieldType.Tag, tag);
        foreach (var (name, value) in metadata.StoredHeaders)
        {
            var target = fields.Add(FieldType.StoredHeader, sizeof(ushort) + Bytes(name) + Bytes(value));
            BinaryPrimitives.WriteUInt16LittleEndian(target, (ushort)Bytes(name));
            Encoding.UTF8.GetBytes(value, target[(sizeof(ushort) + Encoding.UTF8.GetBytes(name, target[sizeof(ushort)..]))..]);
        }
        if (metadata.Coding.Length > 0)
            metadata.PayloadSha256.CopyTo(fields.Add(FieldType.PayloadDigest, Sha256Digest.Size));
        foreach (var unknown in metadata.UnknownFields)
            unknown.Value.Span.CopyTo(fields.Add((FieldType)unknown.Type, unknown.Value.Length));
    }

    private static int Field(string text) => FieldOf(Bytes(text));

    private static int FieldOf(int valueLength) => BlobFile.FieldHeaderLength + valueLength;

    private static int Bytes(string text) => Encoding.UTF8.GetByteCount(text);
}

/// <summary>Puts fields one after the other.</summary>
internal ref struct FieldWriter(Span<byte> target)
{
    private Span<byte> _rest = target;

    public Span<byte> Add(FieldType type, int length)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_rest, (ushort)type);
        BinaryPrimitives.WriteInt32LittleEndian(_rest[sizeof(ushort)..], length);
        var value = _rest.Slice(BlobFile.FieldHeaderLength, length);
        _rest = _rest[(BlobFile.FieldHeaderLength + length)..];
        return value;
    }

    public void Text(FieldType type, string text) => Encoding.UTF8.GetBytes(text, Add(type, Encoding.UTF8.GetByteCount(text)));
}
