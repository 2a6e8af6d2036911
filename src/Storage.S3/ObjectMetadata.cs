using System.Globalization;
using System.Net.Http.Headers;
using System.Text;

namespace EdgeCache.Storage.S3;

/// <summary>
/// Our metadata as <c>x-amz-meta-…</c> fields. Servers take ASCII only and 2 KiB in all, so texts are percent-encoded. A field that can't be
/// read counts as one that is not there: an object is never unreadable because of what somebody wrote beside it.
/// </summary>
internal static class ObjectMetadata
{
    /// <summary>What S3 takes, names and values together.</summary>
    public const int MaxLength = 2048;

    private const string Sha256 = "edgecache-sha256";
    private const string Length = "edgecache-length";
    private const string Created = "edgecache-created";
    private const string Generation = "edgecache-generation";
    private const string ContentType = "edgecache-type";
    private const string Writer = "edgecache-writer";
    private const string Tags = "edgecache-tags";
    private const string Headers = "edgecache-headers";
    private const string Validator = "edgecache-validator";
    private const string Fields = "edgecache-fields";
    private const string Checksums = "edgecache-crc32c";

    /// <summary>Bytes that the metadata takes once length and digest are known.</summary>
    public static int Measure(BlobMetadata blob)
    {
        var known = blob with { Generation = long.MaxValue, Sha256 = new Sha256Digest([.. Enumerable.Repeat((byte)255, Sha256Digest.Size)]) };
        return Write(known).Sum(f => f.Key.Length + f.Value.Length);
    }

    /// <summary>The fields of a blob. A digest that is not known yet is left out, and so are checksums for which there is no room.</summary>
    public static List<KeyValuePair<string, string>> Write(BlobMetadata blob)
    {
        List<KeyValuePair<string, string>> fields = [.. WritePlain(blob)];
        if (blob.Checksums?.ToString() is { } text && fields.Sum(f => f.Key.Length + f.Value.Length) + Checksums.Length + text.Length <= MaxLength)
            fields.Add(new(Checksums, text));
        return fields;
    }

    /// <summary>Whether a blob has checksums of its blocks that are written with the rest.</summary>
    public static bool HasRoomForChecksums(BlobMetadata blob) => Write(blob) is [.., { Key: Checksums }];

    private static IEnumerable<KeyValuePair<string, string>> WritePlain(BlobMetadata blob)
    {
        if (blob.Sha256.IsKnown)
            yield return new(Sha256, blob.Sha256.ToHex());
        if (blob.Coding.Length > 0)
            yield return new(Length, blob.Length.ToString(CultureInfo.InvariantCulture));
        yield return new(Created, blob.Created.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture));
        yield return new(Generation, blob.Generation.ToString(CultureInfo.InvariantCulture));
        if (!IsPlainType(blob.ContentType))
            yield return new(ContentType, Encode(blob.ContentType));
        if (blob.Writer.Length > 0)
            yield return new(Writer, Encode(blob.Writer));
        if (blob.Tags.Count > 0)
            yield return new(Tags, string.Join(',', blob.Tags.Select(Encode)));
        if (blob.StoredHeaders.Count > 0)
            yield return new(Headers, string.Join('&', blob.StoredHeaders.Select(h => $"{Encode(h.Key)}={Encode(h.Value)}")));
        if (blob.FarValidator.Length > 0)
            yield return new(Validator, Encode(blob.FarValidator));
        if (blob.UnknownFields.Count > 0)
            yield return new(Fields, string.Join(',', blob.UnknownFields.Select(f => string.Create(CultureInfo.InvariantCulture, $"{f.Type}:{Convert.ToBase64String(f.Value.Span)}"))));
    }

    /// <summary>The media type for the object itself: as it is, or the general one where it would not survive as a header.</summary>
    public static string PlainType(string contentType) => IsPlainType(contentType) ? contentType : BlobMetadata.DefaultContentType;

    /// <summary>
    /// Length of the content, in bytes, of an object that we have stored as frames; null of any other. Our own field alone says it: what decodes to the content must not pass for it where
    /// a copy of the object has lost its Content-Encoding.
    /// </summary>
    public static long? ContentLengthOf(ObjectHeaders headers) => ReadNumber(headers.Field(Length), long.MaxValue);

    /// <summary>Reads what a server told of an object, ours or anybody's. It is about the content, in whatever form the object has it.</summary>
    public static BlobMetadata Read(BlobKey key, ObjectHeaders headers)
    {
        var field = headers.Field;
        var framed = ContentLengthOf(headers);
        var length = framed ?? headers.Length;
        var digest = field(Sha256) is { } hex && Sha256Digest.TryParseHex(hex, out var parsed) ? parsed : default;
        return new BlobMetadata
        {
            Key = key,
            Length = length,
            PayloadLength = length,
            Sha256 = digest,
            PayloadSha256 = digest,
            Created = ReadNumber(field(Created), MaxMilliseconds) is { } created ? DateTimeOffset.FromUnixTimeMilliseconds(created) : headers.LastModified,
            Generation = ReadNumber(field(Generation), long.MaxValue) ?? headers.LastModified.ToUnixTimeMilliseconds() * 1000,
            ContentType = ReadType(field(ContentType) is { } type ? Decode(type) : headers.ContentType),
            Writer = Decode(field(Writer) ?? ""),
            Tags = Split(field(Tags), ',', Decode),
            StoredHeaders = [.. Split(field(Headers), '&', ReadPair), .. framed is null ? Coding(headers.ContentEncoding) : []],
            FarValidator = field(Validator) is { } validator && KeptFields.IsValue(Decode(validator)) ? Decode(validator) : ETags.Normalize(headers.ETag) ?? "",
            UnknownFields = Split(field(Fields), ',', ReadUnknown),
            Checksums = BlockChecksums.TryParse(field(Checksums), length),
        };
    }

    private static readonly long MaxMilliseconds = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

    private static bool IsPlainType(string type) => Ascii.IsValid(type) && MediaTypeHeaderValue.TryParse(type, out var parsed) && parsed.ToString() == type;

    private static string ReadType(string? type) =>
        type is { Length: > 0 and <= BlobMetadata.MaxContentTypeLength } && KeptFields.IsValue(type) ? type : BlobMetadata.DefaultContentType;

    private static long? ReadNumber(string? text, long max) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 && number <= max ? number : null;

    /// <summary>Who put a compressed file into the bucket said so in a header that readers of the object need.</summary>
    private static IEnumerable<KeyValuePair<string, string>> Coding(string? coding) =>
        coding is null or "" or "identity" or "aws-chunked" ? [] : [new("content-encoding", coding)];

    private static KeyValuePair<string, string>? ReadPair(string text)
    {
        var middle = text.IndexOf('=', StringComparison.Ordinal);
        if (middle <= 0)
            return null;
        var (name, value) = (Decode(text[..middle]), Decode(text[(middle + 1)..]));

        // Whoever can write to the bucket has written this.
        return KeptFields.IsKept(name) && KeptFields.IsValue(value) ? new(name, value) : null;
    }

    private static UnknownField? ReadUnknown(string text)
    {
        var middle = text.IndexOf(':', StringComparison.Ordinal);
        if (middle < 1 || !ushort.TryParse(text.AsSpan(0, middle), NumberStyles.None, CultureInfo.InvariantCulture, out var type))
            return null;
        var value = new byte[text.Length];
        return Convert.TryFromBase64String(text[(middle + 1)..], value, out var length) ? new UnknownField(type, value.AsMemory(0, length)) : null;
    }

    private static List<T> Split<T>(string? text, char separator, Func<string, T?> read)
        where T : class => text is null ? [] : [.. text.Split(separator).Select(read).OfType<T>()];

    private static List<KeyValuePair<string, string>> Split(string? text, char separator, Func<string, KeyValuePair<string, string>?> read) =>
        text is null ? [] : [.. text.Split(separator).Select(read).OfType<KeyValuePair<string, string>>()];

    private static string Encode(string text) => Uri.EscapeDataString(text);

    private static string Decode(string text) => Uri.UnescapeDataString(text);
}

/// <summary>What a server tells of an object beside its bytes.</summary>
/// <param name="Length">Length of the whole object in bytes.</param>
/// <param name="ETag">The server's validator, with its quotes.</param>
/// <param name="LastModified">When it was stored, in whole seconds.</param>
/// <param name="ContentType">Its media type, if any.</param>
/// <param name="ContentEncoding">Its content coding, if any.</param>
/// <param name="Field">Gives an <c>x-amz-meta-</c> field by name; null when it is not there.</param>
internal sealed record ObjectHeaders(long Length, string ETag, DateTimeOffset LastModified, string? ContentType, string? ContentEncoding, Func<string, string?> Field);

/// <summary>Validators as servers spell them.</summary>
internal static class ETags
{
    /// <summary>In the quotes that some answers leave out; null for none.</summary>
    public static string? Normalize(string? etag) => string.IsNullOrEmpty(etag) ? null : etag.StartsWith('"') ? etag : $"\"{etag}\"";

    /// <summary>
    /// The MD5 of the content that an ETag is, in hexadecimal: of an object that came in one piece and is not encrypted with keys of the key service or the caller
    /// (Amazon S3 API reference, "ETag"). Null where it is none.
    /// </summary>
    public static byte[]? Md5Of(string? etag, string? encryption)
    {
        var text = etag.AsSpan().Trim('"');
        var md5 = new byte[16];
        return encryption is null or "" or "AES256" && text.Length == 32 && Convert.FromHexString(text, md5, out _, out _) == System.Buffers.OperationStatus.Done ? md5 : null;
    }
}

/// <summary>An object as a server tells of it: what our contract says, and the server's own validator for conditions.</summary>
/// <param name="Blob">The blob.</param>
/// <param name="ETag">The server's validator.</param>
/// <param name="Md5">MD5 of the object's bytes, where the validator is that; otherwise null.</param>
/// <param name="PayloadLength">Length of the object in bytes.</param>
/// <param name="IsFramed">Whether it is frames of the content, rather than the content.</param>
internal sealed record StoredObject(BlobMetadata Blob, string ETag, byte[]? Md5, long PayloadLength, bool IsFramed)
{
    public static StoredObject Read(BlobKey key, ObjectHeaders headers, string? encryption) =>
        new(ObjectMetadata.Read(key, headers), headers.ETag, ETags.Md5Of(headers.ETag, encryption), headers.Length, ObjectMetadata.ContentLengthOf(headers) is not null);

    /// <summary>The object's bytes as if they were the content. Their own digest matters only where that of the content is not known.</summary>
    public StoredObject AsBytes() => this with
    {
        Blob = Blob with { Length = PayloadLength, PayloadLength = PayloadLength, Sha256 = default, PayloadSha256 = default },
        Md5 = Blob.Sha256.IsKnown ? null : Md5,
        IsFramed = false,
    };
}
