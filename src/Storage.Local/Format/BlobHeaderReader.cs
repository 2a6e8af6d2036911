using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using EdgeCache.Storage.Local.Files;

namespace EdgeCache.Storage.Local.Format;

/// <summary>What a file turned out to be.</summary>
internal enum FileVerdict
{
    /// <summary>A blob of ours, whole.</summary>
    Good,

    /// <summary>Not ours: left alone.</summary>
    Foreign,

    /// <summary>Ours, of a newer format: left alone.</summary>
    Newer,

    /// <summary>Ours, but cut or altered.</summary>
    Damaged,
}

/// <summary>A header that was read: the metadata, and where payload and trailer are.</summary>
internal sealed record BlobHeaderInfo(BlobMetadata Metadata, int HeaderLength, int TrailerLength)
{
    public long FileLength => HeaderLength + Metadata.PayloadLength + TrailerLength;
}

/// <summary>Reads and checks the header of a blob file. Trusts nothing that the header's checksum does not cover.</summary>
internal static class BlobHeaderReader
{
    private const int FirstRead = 1024;

    public static FileVerdict Read(IStoreFile file, out BlobHeaderInfo? info)
    {
        info = null;
        var rented = ArrayPool<byte>.Shared.Rent(FirstRead);
        try
        {
            var read = file.Read(0, rented.AsSpan(0, FirstRead));
            var verdict = CheckPrologue(rented.AsSpan(0, read), out var length);
            if (verdict != FileVerdict.Good)
                return verdict;
            if (length > read)
            {
                ArrayPool<byte>.Shared.Return(rented);
                rented = ArrayPool<byte>.Shared.Rent(length);
                if (file.Read(0, rented.AsSpan(0, length)) < length)
                    return FileVerdict.Damaged;
            }
            verdict = Parse(rented.AsSpan(0, length), out info);
            if (verdict == FileVerdict.Good && info!.FileLength != file.Length)
                return FileVerdict.Damaged;
            return verdict;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private static FileVerdict CheckPrologue(ReadOnlySpan<byte> start, out int headerLength)
    {
        headerLength = 0;
        if (!start.StartsWith(BlobFile.Magic))
            return FileVerdict.Foreign;
        if (start.Length < BlobFile.PrologueLength)
            return FileVerdict.Damaged;
        if (BinaryPrimitives.ReadUInt16LittleEndian(start[BlobFile.VersionOffset..]) > BlobFile.Version)
            return FileVerdict.Newer;
        headerLength = BinaryPrimitives.ReadInt32LittleEndian(start[BlobFile.HeaderLengthOffset..]);
        return headerLength is < BlobFile.PrologueLength or > BlobFile.MaxHeaderLength ? FileVerdict.Damaged : FileVerdict.Good;
    }

    /// <summary>Reads a whole header that is in memory. Its checksum field is zeroed on the way.</summary>
    public static FileVerdict Parse(Span<byte> header, out BlobHeaderInfo? info)
    {
        info = null;
        var checksum = header.Slice(BlobFile.ChecksumOffset, sizeof(uint));
        var expected = BinaryPrimitives.ReadUInt32LittleEndian(checksum);
        checksum.Clear();
        if (Crc32C.Of(header) != expected)
            return FileVerdict.Damaged;
        var payloadLength = BinaryPrimitives.ReadInt64LittleEndian(header[BlobFile.PayloadLengthOffset..]);
        var trailerLength = BinaryPrimitives.ReadInt32LittleEndian(header[BlobFile.TrailerLengthOffset..]);
        var fields = new Fields();
        var reader = new FieldReader(header[BlobFile.PrologueLength..]);
        while (reader.TryRead(out var type, out var value))
        {
            if (!fields.Take(type, value))
                return FileVerdict.Newer;
        }
        var generation = BinaryPrimitives.ReadInt64LittleEndian(header[BlobFile.GenerationOffset..]);
        if (payloadLength < 0 || trailerLength < 0 || fields.ToMetadata(payloadLength, generation) is not { } metadata)
            return FileVerdict.Damaged;
        info = new BlobHeaderInfo(metadata, header.Length, trailerLength);
        return FileVerdict.Good;
    }

    /// <summary>The fields as they come by.</summary>
    private sealed class Fields
    {
        private static readonly long MinCreated = DateTimeOffset.MinValue.ToUnixTimeMilliseconds();
        private static readonly long MaxCreated = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();
        private readonly List<string> _tags = [];
        private readonly List<KeyValuePair<string, string>> _headers = [];
        private readonly List<UnknownField> _unknown = [];
        private string _namespace = "", _tenant = "", _key = "", _writer = "", _coding = "", _farValidator = "";
        private string _contentType = BlobMetadata.DefaultContentType;
        private long _length = -1;
        private long _created;
        private Sha256Digest? _digest, _payloadDigest;

        /// <summary>Takes one field; false when the file must not be used without understanding it.</summary>
        public bool Take(FieldType type, ReadOnlySpan<byte> value)
        {
            switch (type)
            {
                case FieldType.Namespace: _namespace = Text(value); break;
                case FieldType.Tenant: _tenant = Text(value); break;
                case FieldType.Key: _key = Text(value); break;
                case FieldType.ContentLength when value.Length == sizeof(long): _length = BinaryPrimitives.ReadInt64LittleEndian(value); break;
                case FieldType.ContentDigest when value.Length == Sha256Digest.Size: _digest = new Sha256Digest(value); break;
                case FieldType.ContentType: _contentType = Text(value); break;
                case FieldType.Created when value.Length == sizeof(long): _created = BinaryPrimitives.ReadInt64LittleEndian(value); break;
                case FieldType.Writer: _writer = Text(value); break;
                case FieldType.Tag: _tags.Add(Text(value)); break;
                case FieldType.StoredHeader: TakeHeader(value); break;
                case FieldType.Coding: _coding = Text(value); break;
                case FieldType.PayloadDigest when value.Length == Sha256Digest.Size: _payloadDigest = new Sha256Digest(value); break;
                case FieldType.FarValidator: _farValidator = Text(value); break;
                default:
                    if (type >= FieldType.MustUnderstand)
                        return false;
                    _unknown.Add(new UnknownField((ushort)type, value.ToArray()));
                    break;
            }
            return true;
        }

        public BlobMetadata? ToMetadata(long payloadLength, long generation)
        {
            if (_length < 0 || _created < MinCreated || _created > MaxCreated || (_coding.Length == 0 && _length != payloadLength))
                return null;
            if (_digest is not { } digest || BlobKey.TryCreate(_namespace, _tenant, _key, allowSlash: true, out var key) is not null)
                return null;
            return new BlobMetadata
            {
                Key = key,
                Length = _length,
                Sha256 = digest,
                ContentType = _contentType,
                Created = DateTimeOffset.FromUnixTimeMilliseconds(_created),
                Writer = _writer,
                Tags = _tags,
                StoredHeaders = _headers,
                Coding = _coding,
                PayloadLength = payloadLength,
                PayloadSha256 = _payloadDigest ?? digest,
                Generation = generation,
                FarValidator = _farValidator,
                UnknownFields = _unknown,
            };
        }

        private static string Text(ReadOnlySpan<byte> value) => Encoding.UTF8.GetString(value);

        private void TakeHeader(ReadOnlySpan<byte> value)
        {
            var nameLength = value.Length < sizeof(ushort) ? 0 : BinaryPrimitives.ReadUInt16LittleEndian(value);
            if (nameLength == 0 || value.Length < sizeof(ushort) + nameLength)
                return;
            value = value[sizeof(ushort)..];
            _headers.Add(new(Text(value[..nameLength]), Text(value[nameLength..])));
        }
    }
}

/// <summary>Takes fields one after the other.</summary>
internal ref struct FieldReader(ReadOnlySpan<byte> source)
{
    private ReadOnlySpan<byte> _rest = source;

    public bool TryRead(out FieldType type, out ReadOnlySpan<byte> value)
    {
        type = FieldType.End;
        value = default;
        if (_rest.Length < BlobFile.FieldHeaderLength)
            return false;
        type = (FieldType)BinaryPrimitives.ReadUInt16LittleEndian(_rest);
        var length = BinaryPrimitives.ReadInt32LittleEndian(_rest[sizeof(ushort)..]);
        if (type == FieldType.End || length < 0 || length > _rest.Length - BlobFile.FieldHeaderLength)
            return false;
        value = _rest.Slice(BlobFile.FieldHeaderLength, length);
        _rest = _rest[(BlobFile.FieldHeaderLength + length)..];
        return true;
    }
}
