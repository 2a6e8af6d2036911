using EdgeCache.Edge.Compression;
using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Observability;
using EdgeCache.Edge.Origins;
using EdgeCache.Edge.Protocols;
using EdgeCache.Storage;
using EdgeCache.Storage.Tiering;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace EdgeCache.Edge.Delivery;

/// <summary>GET and HEAD of a blob.</summary>
internal sealed partial class GetHandler(
    IBlobStore store, LiveSettings settings, EdgeMetrics metrics, ResponseCodings codings, TimeProvider time, ILogger<GetHandler> logger, IRedirector? redirector = null)
{
    public Task HandleAsync(HttpContext context, BlobRequest blob) =>
        HttpMethods.IsHead(context.Request.Method) ? HeadAsync(context, blob) : GetAsync(context, blob);

    private async Task HeadAsync(HttpContext context, BlobRequest blob)
    {
        var found = await store.StatAsync(blob.Key, context.RequestAborted);
        if (!found.IsOk)
        {
            await AnswerAbsenceAsync(context, blob, found.Status, found.Detail);
            return;
        }
        metrics.RecordLookup(blob.Policy.Name, IsHit(found.Value.Source));
        var fields = FieldsOf(found.Value, blob);
        var accept = AcceptEncoding.Parse(context.Request.Headers.AcceptEncoding);
        using var selected = await SelectAsync(context, accept, found.Value, fields);
        if (!await StartAsync(context, blob, found.Value, fields, accept, selected, found.Value.Source))
            return;
        Representation.SetContent(context.Response, found.Value, fields, selected);
        if (IsPeer(context))
            TellPeer(context, found.Value);
        context.Response.ContentLength = selected.IsStored ? found.Value.PayloadLength : selected is { Coding: ContentCoding.Identity, IsOpen: false } ? found.Value.Length : null;
    }

    /// <summary>As a GET would choose. What has to be read for that is read here, if it is at hand: a HEAD fetches nothing from elsewhere.</summary>
    private async ValueTask<SelectedCoding> SelectAsync(HttpContext context, AcceptEncoding accept, BlobMetadata blob, BlobFields fields)
    {
        if (accept.IsIdentityOnly || fields.Shrinks is not null || !IsHit(blob.Source))
            return await codings.SelectAsync(context.Request, accept, blob, fields, reader: null);
        var opened = await store.OpenReadAsync(blob.Key, new ByteRange(0, ResponseCodings.SampleLength), context.RequestAborted);
        await using var reader = opened.Value;
        return await codings.SelectAsync(context.Request, accept, blob, fields, reader?.Metadata.Generation == blob.Generation ? reader : null);
    }

    private async Task GetAsync(HttpContext context, BlobRequest blob)
    {
        if (redirector is not null && settings.Current.Options.Delivery is { RedirectAbove.Bytes: > 0 and var least } delivery && !Preconditions.AreIn(context.Request.Headers)
            && await redirector.TryRedirectAsync(blob.Key, least, RedirectLifetime(blob, delivery.RedirectLifetime), context.RequestAborted) is { } elsewhere)
        {
            Redirect(context, blob, elsewhere);
            return;
        }
        var opened = await store.OpenReadAsync(blob.Key, RangeHeader.Expect(context.Request.Headers), context.RequestAborted);
        if (!opened.IsOk)
        {
            await AnswerAbsenceAsync(context, blob, opened.Status, opened.Detail);
            return;
        }
        await using var reader = opened.Value;
        metrics.RecordLookup(blob.Policy.Name, IsHit(reader.Source));
        var fields = FieldsOf(reader.Metadata, blob);
        var accept = AcceptEncoding.Parse(context.Request.Headers.AcceptEncoding);
        using var selected = await codings.SelectAsync(context.Request, accept, reader.Metadata, fields, reader);
        if (!await StartAsync(context, blob, reader.Metadata, fields, accept, selected, reader.Source))
            return;
        codings.RecordChoice(selected);
        if (selected.Coding == ContentCoding.Identity)
        {
            if (await SelectRangeAsync(context, reader.Metadata, fields, selected) is not { } range)
                return;
            await TellPeerAsync(context, reader);
            await SendAsync(context, blob, reader, range, ContentCoding.Identity);
            return;
        }
        Representation.SetContent(context.Response, reader.Metadata, fields, selected);
        await TellPeerAsync(context, reader);
        if (!selected.IsStored)
        {
            await SendEncodedAsync(context, blob, reader, selected);
            return;
        }
        context.Response.ContentLength = reader.Metadata.PayloadLength;
        await SendAsync(context, blob, reader, new ByteRange(0, reader.Metadata.PayloadLength), selected.Coding);
    }

    /// <summary>The address that a signed one is exchanged for is good no longer than that.</summary>
    private TimeSpan RedirectLifetime(BlobRequest blob, TimeSpan lifetime)
    {
        if (blob.Signature is not { } grant)
            return lifetime;
        var left = TimeSpan.FromSeconds(Math.Ceiling((grant.Expires - time.GetUtcNow()).TotalSeconds));
        return left > lifetime ? lifetime : left < TimeSpan.FromSeconds(1) ? TimeSpan.FromSeconds(1) : left;
    }

    /// <summary>The address is a key to the blob for whoever has it, for a while: it must not be kept.</summary>
    private void Redirect(HttpContext context, BlobRequest blob, Uri elsewhere)
    {
        metrics.RecordLookup(blob.Policy.Name, hit: false);
        context.Response.StatusCode = StatusCodes.Status307TemporaryRedirect;
        context.Response.Headers.Location = elsewhere.AbsoluteUri;
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers["Cache-Status"] = "EdgeCache; hit=?0; detail=redirect";
        context.Response.ContentLength = 0;
    }

    /// <summary>What had to be asked for elsewhere is none, though it was found there.</summary>
    private static bool IsHit(BlobSource source) => source is BlobSource.Local or BlobSource.Revalidated or BlobSource.Stale;

    private static BlobFields FieldsOf(BlobMetadata metadata, BlobRequest blob) => BlobFields.Of(metadata, blob.Policy, blob.IsPublic);

    /// <summary>Evaluates the preconditions and sets the validators; false when the answer is complete without content.</summary>
    private async ValueTask<bool> StartAsync(HttpContext context, BlobRequest blob, BlobMetadata metadata, BlobFields fields, AcceptEncoding accept, SelectedCoding selected, BlobSource source)
    {
        if (selected.Refusal != 0)
        {
            await RefuseAsync(context, selected.Refusal);
            return false;
        }
        var etag = fields.ETagOf(selected);
        var result = Preconditions.EvaluateRead(context.Request.Headers, metadata, accept, ref etag);
        if (result == PreconditionResult.Malformed)
        {
            await Problem.WriteAsync(context, StatusCodes.Status400BadRequest, "If-Match and If-None-Match take '*' or a list of entity tags in double quotes.");
            return false;
        }
        Representation.SetValidators(context.Response, fields, etag, source);
        CacheFields.Set(context.Response, blob, metadata, fields, source, time);
        switch (result)
        {
            case PreconditionResult.NotModified:
                context.Response.StatusCode = StatusCodes.Status304NotModified;
                return false;
            case PreconditionResult.Failed:
                await Problem.WriteAsync(context, StatusCodes.Status412PreconditionFailed, "The stored blob is not the one that the request names.");
                return false;
            default:
                return true;
        }
    }

    private static Task RefuseAsync(HttpContext context, int status)
    {
        context.Response.Headers.Vary = StringValues.Concat(context.Response.Headers.Vary, HeaderNames.AcceptEncoding);
        if (status == StatusCodes.Status406NotAcceptable)
            return Problem.WriteAsync(context, status, "The blob can't be sent in any of the codings that Accept-Encoding allows, and it does not allow identity; a range is always sent as identity.");
        context.Response.Headers.RetryAfter = "1";
        return Problem.WriteAsync(context, status, "Too much is being compressed now, and the request does not accept the blob as it is.");
    }

    /// <summary>Sets status, length and description for the whole content or the part that is asked for; null when the answer is complete.</summary>
    private static async ValueTask<ByteRange?> SelectRangeAsync(HttpContext context, BlobMetadata metadata, BlobFields fields, SelectedCoding selected)
    {
        var response = context.Response;
        var range = new ByteRange(0, metadata.Length);
        var result = Preconditions.RangeApplies(context.Request.Headers, metadata)
            ? RangeHeader.Resolve(context.Request.Headers.Range, metadata.Length, out range)
            : RangeResult.Whole;
        switch (result)
        {
            case RangeResult.Malformed:
                await Problem.WriteAsync(context, StatusCodes.Status400BadRequest, "Range takes bytes=first-last, bytes=first- or bytes=-suffix.");
                return null;
            case RangeResult.Unsatisfiable:
                response.Headers.ContentRange = $"bytes */{metadata.Length}";
                await Problem.WriteAsync(context, StatusCodes.Status416RangeNotSatisfiable, $"The blob has {metadata.Length} bytes.");
                return null;
            case RangeResult.Part:
                response.StatusCode = StatusCodes.Status206PartialContent;
                response.Headers.ContentRange = $"bytes {range.Offset}-{range.Offset + range.Length - 1}/{metadata.Length}";
                break;
        }
        Representation.SetContent(response, metadata, fields, selected);
        response.ContentLength = range.Length;
        return range;
    }

    /// <summary>Whether another node asks for what HTTP has no fields for.</summary>
    private static bool IsPeer(HttpContext context) => context.Request.Headers[MetadataField.Name] is [MetadataField.Ask];

    private static void TellPeer(HttpContext context, BlobMetadata metadata)
    {
        if (MetadataField.Write(metadata) is { } text)
            context.Response.Headers[MetadataField.Name] = text;
    }

    private static async ValueTask TellPeerAsync(HttpContext context, IBlobReader reader)
    {
        if (IsPeer(context))
            TellPeer(context, reader.Metadata with { Checksums = await ChecksumsOfAsync(reader, context.RequestAborted) });
    }

    private static async ValueTask<BlockChecksums?> ChecksumsOfAsync(IBlobReader reader, CancellationToken cancellationToken)
    {
        try
        {
            return await reader.GetChecksumsAsync(cancellationToken);
        }
        catch (IOException)
        {
            // Reading the content will fail too, and say so as it does for everybody.
            return null;
        }
    }

    private Task AnswerAbsenceAsync(HttpContext context, BlobRequest blob, StoreStatus status, string? detail)
    {
        metrics.RecordLookup(blob.Policy.Name, hit: false);
        if (status == StoreStatus.Missing)
        {
            context.Response.Headers["Cache-Status"] = "EdgeCache; hit=?0; detail=uri-miss";
            return Problem.WriteAsync(context, StatusCodes.Status404NotFound, "No blob is stored under this key.");
        }
        context.Response.Headers["Cache-Status"] = "EdgeCache; hit=?0; detail=store-unavailable";
        return blob.Policy.MissWhenUnavailable && detail != OriginFaults.Loop
            ? Problem.WriteAsync(context, StatusCodes.Status404NotFound, $"The blob is not here, and it can't be found out whether the far store has it: {detail}")
            : StoreProblem.WriteAsync(context, blob.Policy, status, detail);
    }
}
