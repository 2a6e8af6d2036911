using System.Buffers;
using EdgeCache.Codecs;
using EdgeCache.Codecs.Choosing;
using EdgeCache.Codecs.Estimating;
using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Delivery;
using EdgeCache.Edge.Observability;
using EdgeCache.Storage;

namespace EdgeCache.Edge.Compression;

/// <summary>
/// Decides in which coding a blob is answered: of those that the request accepts the most welcome; of those as welcome as each other what is stored, then what this node can
/// make, then identity. A coding that was not asked for is never chosen.
/// </summary>
internal sealed class ResponseCodings(NodeCodecs codecs, ICpuPressure pressure, LiveSettings settings, CodingMetrics metrics)
{
    /// <summary>Content that is read before it is clear whether it shrinks, in bytes.</summary>
    public const int SampleLength = 64 * 1024;

    /// <summary>Part of the processors that may be at work while content is still compressed on its way.</summary>
    private const double MostPressure = 0.9;

    /// <summary>Bits a byte above which content is not worth it.</summary>
    private const double MostBits = 7.5;

    /// <summary>The fastest: what is compressed anew for each request must not take longer than the line.</summary>
    private const int Level = 1;

    private readonly Slots _gzip = new(4 * Math.Max(4, Environment.ProcessorCount));

    /// <summary>Chooses for a blob that is there.</summary>
    /// <param name="request">Who asks for what.</param>
    /// <param name="accept">What the request accepts.</param>
    /// <param name="blob">The blob.</param>
    /// <param name="fields">What was found out about it before.</param>
    /// <param name="reader">The open blob; null for a HEAD of what is not at hand: what is not known about the content is not found out then, and may leave the choice open.</param>
    /// <returns>The choice, which the caller disposes.</returns>
    public ValueTask<SelectedCoding> SelectAsync(HttpRequest request, AcceptEncoding accept, BlobMetadata blob, BlobFields fields, IBlobReader? reader)
    {
        if (accept.IsIdentityOnly)
            return new(SelectedCoding.Identity(CodingReason.NotAsked));
        if (IsForeign(blob))
            return new(SelectedCoding.Identity(CodingReason.Foreign));
        var identity = accept.QualityOf(ContentCoding.Identity);
        if (request.Headers.Range.Count > 0)
            return new(identity > 0 ? SelectedCoding.Identity(CodingReason.Range) : SelectedCoding.Refused(StatusCodes.Status406NotAcceptable, CodingReason.Range));
        var stored = StoredCoding(blob, reader);
        var best = Best(accept, stored);
        if (best == stored && stored != ContentCoding.Identity)
            return new(SelectedCoding.Stored(stored));
        if (best == ContentCoding.Identity)
            return new(identity > 0 ? SelectedCoding.Identity(CodingReason.NotAsked) : SelectedCoding.Refused(StatusCodes.Status406NotAcceptable, CodingReason.NotAsked));
        return EncodeAsync(accept, best, blob, fields, reader, !HttpMethods.IsHead(request.Method), request.HttpContext.RequestAborted);
    }

    /// <summary>The most welcome coding that can be made here; identity where none is welcome, or the processors have too much else to do.</summary>
    public ContentCoding Choose(AcceptEncoding accept) => pressure.Current > MostPressure ? ContentCoding.Identity : Best(accept, ContentCoding.Identity);

    /// <summary>Takes an encoder; null when as many are at work as may be.</summary>
    public StreamEncoder? TryRent(ContentCoding coding)
    {
        if (coding == ContentCoding.Gzip)
            return GzipEncoder.TryRent(_gzip);
        var codec = coding == ContentCoding.Zstd ? codecs.Zstd : codecs.Lz4;
        return codec.TryRentEncoder(new EncoderOptions { Level = Level, Checksum = true }, out var encoder) == CodecStatus.Ok ? encoder : null;
    }

    /// <summary>Counts an answer with content, or with a part of it.</summary>
    public void RecordChoice(SelectedCoding selected) => metrics.RecordSent(selected.Coding, selected.Reason);

    /// <summary>Counts what a coding has saved, in bytes.</summary>
    public void RecordSaved(ContentCoding coding, long bytes) => metrics.RecordSaved(coding, bytes);

    /// <summary>Whether somebody else's coding is part of the content: then it stays as it is.</summary>
    private static bool IsForeign(BlobMetadata blob)
    {
        foreach (var header in blob.StoredHeaders)
        {
            if (header.Key.Equals("content-encoding", StringComparison.OrdinalIgnoreCase))
                return true;
        }
        return false;
    }

    private static ContentCoding StoredCoding(BlobMetadata blob, IBlobReader? reader) =>
        blob.Coding.Length > 0 && reader is not { HasPayload: false } && ContentCodings.TryParse(blob.Coding, out var coding) ? coding : ContentCoding.Identity;

    /// <summary>The most welcome coding, however it comes to be.</summary>
    private ContentCoding Best(AcceptEncoding accept, ContentCoding stored)
    {
        var best = stored;
        var quality = stored == ContentCoding.Identity ? 0 : accept.QualityOf(stored);
        foreach (var coding in ContentCodings.ByRank)
        {
            if (accept.QualityOf(coding) is var other && other > quality && codecs.Has(coding))
                (best, quality) = (coding, other);
        }
        return quality == 0 || quality < accept.QualityOf(ContentCoding.Identity) ? ContentCoding.Identity : best;
    }

    private async ValueTask<SelectedCoding> EncodeAsync(AcceptEncoding accept, ContentCoding coding, BlobMetadata blob, BlobFields fields, IBlobReader? reader, bool isSent, CancellationToken cancellationToken)
    {
        // Who refuses identity gets what it asks for, whatever that gains.
        var isForced = accept.QualityOf(ContentCoding.Identity) == 0;
        if (!isForced && WhyNot(blob) is { } reason)
            return OtherThan(coding, accept, blob, reader, reason);
        byte[]? first = null;
        var firstLength = 0;
        try
        {
            if (!isForced && fields.Shrinks is null && reader is not null)
            {
                first = ArrayPool<byte>.Shared.Rent(SampleLength);
                firstLength = await ReadFirstAsync(reader, first.AsMemory(0, SampleLength), cancellationToken);
                fields.Shrinks = await LooksCompressibleAsync(reader, first, firstLength, cancellationToken);
            }
            if (!isForced && fields.Shrinks is null)
                return SelectedCoding.Open;
            if (!isForced && fields.Shrinks == false)
                return OtherThan(coding, accept, blob, reader, CodingReason.Incompressible);
            if (!isSent)
                return SelectedCoding.Encoded(coding, encoder: null);
            var encoder = TryRent(coding);
            if (encoder is null && isForced)
                return SelectedCoding.Refused(StatusCodes.Status503ServiceUnavailable, CodingReason.Busy);
            return encoder is null ? OtherThan(coding, accept, blob, reader, CodingReason.Busy) : SelectedCoding.Encoded(coding, encoder).With(Take(ref first), firstLength);
        }
        finally
        {
            if (first is not null)
                ArrayPool<byte>.Shared.Return(first);
        }
    }

    private CodingReason? WhyNot(BlobMetadata blob)
    {
        var options = settings.Current.Options.Delivery.Compression;
        if (!options.OnTheFly)
            return CodingReason.Off;
        if (blob.Length < Math.Max(1, options.MinSize.Bytes))
            return CodingReason.TooSmall;
        return pressure.Current > MostPressure ? CodingReason.Pressure : null;
    }

    /// <summary>What is sent instead of a coding that does not come to be: the payload as it is stored, where that is accepted too; else identity.</summary>
    private static SelectedCoding OtherThan(ContentCoding coding, AcceptEncoding accept, BlobMetadata blob, IBlobReader? reader, CodingReason reason) =>
        StoredCoding(blob, reader) is var stored && stored != coding && stored != ContentCoding.Identity && accept.QualityOf(stored) > 0
            ? SelectedCoding.Stored(stored)
            : SelectedCoding.Identity(reason);

    private static async ValueTask<int> ReadFirstAsync(IBlobReader reader, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var length = 0;
        while (length < buffer.Length && await reader.ReadAsync(length, buffer[length..], cancellationToken) is > 0 and var read)
            length += read;
        return length;
    }

    /// <summary>Looks at the start, and at the middle where that is at hand: an archive may begin with a list of names.</summary>
    private static async ValueTask<bool> LooksCompressibleAsync(IBlobReader reader, byte[] first, int length, CancellationToken cancellationToken)
    {
        if (MagicNumbers.IsCompressed(first.AsSpan(0, length)) || EntropyEstimate.BitsPerByte(first.AsSpan(0, length)) > MostBits)
            return false;
        if (reader.Source is not (BlobSource.Local or BlobSource.Revalidated or BlobSource.Stale) || reader.Metadata.Length < 4 * SampleLength)
            return true;
        var middle = ArrayPool<byte>.Shared.Rent(SampleLength / 4);
        try
        {
            var read = await reader.ReadAsync(reader.Metadata.Length / 2, middle.AsMemory(0, SampleLength / 4), cancellationToken);
            return EntropyEstimate.BitsPerByte(middle.AsSpan(0, read)) <= MostBits;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(middle);
        }
    }

    private static byte[]? Take(ref byte[]? buffer)
    {
        var taken = buffer;
        buffer = null;
        return taken;
    }
}
