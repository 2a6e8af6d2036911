using EdgeCache.Codecs;
using EdgeCache.Codecs.Frames;
using EdgeCache.Edge.Observability;
using Microsoft.Extensions.Primitives;

namespace EdgeCache.Edge.Compression;

/// <summary>The codings in which uploads are taken.</summary>
internal sealed class UploadCodings(NodeCodecs codecs, CodingMetrics metrics)
{
    /// <summary>Uploads that are decoded at a time. One of zstd holds a frame and its content in memory, 2 MiB.</summary>
    public const int MaxUploads = 32;

    private readonly Slots _slots = new(MaxUploads);

    /// <summary>The value of Accept-Encoding in an answer: what would have been taken (RFC 9110, section 15.5.16).</summary>
    public string Accepted { get; } = string.Join(", ", ContentCodings.ByRank.Where(codecs.Has).Select(ContentCodings.NameOf));

    /// <summary>Reads Content-Encoding.</summary>
    /// <returns>Null, or the sentence to refuse the request with.</returns>
    public string? TryRead(StringValues field, out ContentCoding coding)
    {
        coding = ContentCoding.Identity;
        if (field.Count == 0)
            return null;
        if (field is not [{ } name] || name.Contains(',', StringComparison.Ordinal))
            return $"An upload can have one content coding: {Accepted}.";
        return ContentCodings.TryParse(name.AsSpan().Trim(" \t"), out coding) && codecs.Has(coding) ? null : $"The content codings {Accepted} are taken, and the content as it is.";
    }

    /// <summary>Begins to decode an upload.</summary>
    /// <param name="coding">Its coding; not identity.</param>
    /// <param name="maxLength">Most content it may have, in bytes.</param>
    /// <returns>The upload, which the caller disposes; null when as many are decoded as may be.</returns>
    public EncodedUpload? TryBegin(ContentCoding coding, long maxLength)
    {
        if (!_slots.TryTake())
            return null;
        var options = new DecoderOptions { MaxLength = maxLength };
        switch (coding)
        {
            case ContentCoding.Zstd:
                return EncodedUpload.OfFrames(new FrameInput(codecs.Zstd, options), maxLength, _slots);
            case ContentCoding.Gzip:
                return EncodedUpload.Of(coding, new GzipDecoder(maxLength), maxLength, _slots);
            default:
                if (codecs.Lz4.TryRentDecoder(options, out var decoder) == CodecStatus.Ok)
                    return EncodedUpload.Of(coding, decoder!, maxLength, _slots);
                _slots.Return();
                return null;
        }
    }

    /// <summary>Counts an upload that was stored.</summary>
    public void RecordStored(ContentCoding coding, long contentLength, long received) => metrics.RecordUpload(coding, contentLength - received);
}
