using EdgeCache.Codecs;
using EdgeCache.Edge.Configuration;
using Microsoft.AspNetCore.ResponseCompression;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace EdgeCache.Edge.Compression;

/// <summary>Tells ASP.NET Core's response compression what to do with a response of a forwarded route: by the same negotiation, and with the same encoders, as for blobs.</summary>
internal sealed class RouteCodings(IServiceProvider services, IOptions<ResponseCompressionOptions> options, ResponseCodings codings, LiveSettings settings) : ResponseCompressionProvider(services, options)
{
    /// <summary>Decides, when the header of the response is complete, and is about to be sent; and takes the encoder, if there is one.</summary>
    public override bool ShouldCompressResponse(HttpContext context)
    {
        var response = context.Response;
        if (response.ContentLength < settings.Current.Options.Delivery.Compression.MinSize.Bytes || IsFinal(response.Headers.CacheControl) || !base.ShouldCompressResponse(context)
            || GetCompressionProvider(context) is not Chosen chosen || codings.TryRent(chosen.Coding) is not { } encoder)
        {
            return false;
        }
        chosen.Encoder = encoder;

        // Also when the response ends in the middle, and nobody finishes the stream.
        response.RegisterForDispose(encoder);

        // They are about the bytes as the service sent them, and those are not the bytes that go out (RFC 9110, section 8.8.1).
        response.Headers.Remove("Repr-Digest");
        response.Headers.Remove("Content-Digest");
        response.Headers.AcceptRanges = "none";
        if (response.Headers.ETag.ToString() is ['"', ..] and var etag)
            response.Headers.ETag = $"W/{etag}";
        return true;
    }

    /// <summary>Chooses the coding, once for a response. The middleware asks as early as the forwarder begins, before anything is known of the response.</summary>
    public override ICompressionProvider? GetCompressionProvider(HttpContext context)
    {
        if (context.Features.Get<Chosen>() is { } before)
            return before;
        var coding = codings.Choose(AcceptEncoding.Parse(context.Request.Headers.AcceptEncoding));
        if (coding == ContentCoding.Identity)
            return null;
        var chosen = new Chosen(coding);
        context.Features.Set(chosen);
        return chosen;
    }

    /// <summary>RFC 9111, section 5.2.2.6: whoever says <c>no-transform</c> wants its bytes to arrive as they are.</summary>
    private static bool IsFinal(StringValues cacheControl)
    {
        foreach (var directives in cacheControl)
        {
            if (directives?.Contains("no-transform", StringComparison.OrdinalIgnoreCase) == true)
                return true;
        }
        return false;
    }

    private sealed class Chosen(ContentCoding coding) : ICompressionProvider
    {
        public ContentCoding Coding => coding;

        public StreamEncoder? Encoder { get; set; }

        public string EncodingName => ContentCodings.NameOf(coding);

        public bool SupportsFlush => true;

        public Stream CreateStream(Stream outputStream) => new EncoderStream(Encoder!, outputStream);
    }
}
