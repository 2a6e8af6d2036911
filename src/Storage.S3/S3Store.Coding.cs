using EdgeCache.Storage.S3.Coding;

namespace EdgeCache.Storage.S3;

/// <content>The two forms that an object of ours can have: the content, and frames of it.</content>
public sealed partial class S3Store
{
    private readonly ObjectCompression _compression;

    /// <summary>A reader of the content, in whatever form the object has it.</summary>
    /// <param name="name">Name of the object.</param>
    /// <param name="stored">What it is.</param>
    /// <param name="begin">Gives the reader of the object's bytes an answer that has begun; null where there is none.</param>
    private IBlobReader NewReader(string name, StoredObject stored, Action<S3BlobReader>? begin)
    {
        if (stored.IsFramed && !_compression.Zstd.IsAvailable)
            throw new CodingException($"{stored.Blob.Key} is stored as zstd, and can't be decoded here: {_compression.Zstd.WhyUnavailable}");
        var reader = new S3BlobReader(_session, name, stored.IsFramed ? stored.AsBytes() : stored, _time);
        begin?.Invoke(reader);
        return stored.IsFramed ? new FramedObjectReader(reader, stored, _compression.Zstd) : reader;
    }
}
