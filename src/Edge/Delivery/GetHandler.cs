using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Observability;
using EdgeCache.Edge.Origins;
using EdgeCache.Edge.Protocols;
using EdgeCache.Edge.Transport;
using EdgeCache.Storage;
using EdgeCache.Storage.Tiering;

namespace EdgeCache.Edge.Delivery;

/// <summary>GET and HEAD of a blob.</summary>
internal sealed partial class GetHandler(IBlobStore store, LiveSettings settings, EdgeMetrics metrics, TimeProvider time, ILogger<GetHandler> logger, IRedirector? redirector = null)
{
    /// <summary>Bytes that are read from the store and handed to the connection at a time.</summary>
    private const int ChunkLength = 64 * 1024;

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
        if (!await StartAsync(context, blob, found.Value, fields, found.Value.Source))
            return;
        Representation.SetContent(context.Response, found.Value, fields);
        TellPeer(context, found.Value);
        context.Response.ContentLength = found.Value.Length;
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
        if (!await StartAsync(context, blob, reader.Metadata, fields, reader.Source))
            return;
        if (await SelectRangeAsync(context, reader.Metadata, fields) is { } range)
            await SendAsync(context, blob, reader, range);
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
    private async ValueTask<bool> StartAsync(HttpContext context, BlobRequest blob, BlobMetadata metadata, BlobFields fields, BlobSource source)
    {
        var result = Preconditions.EvaluateRead(context.Request.Headers, metadata);
        if (result == PreconditionResult.Malformed)
        {
            await Problem.WriteAsync(context, StatusCodes.Status400BadRequest, "If-Match and If-None-Match take '*' or a list of entity tags in double quotes.");
            return false;
        }
        Representation.SetValidators(context.Response, fields, source);
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

    /// <summary>Sets status, length and description for the whole content or the part that is asked for; null when the answer is complete.</summary>
    private static async ValueTask<ByteRange?> SelectRangeAsync(HttpContext context, BlobMetadata metadata, BlobFields fields)
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
        Representation.SetContent(response, metadata, fields);
        TellPeer(context, metadata);
        response.ContentLength = range.Length;
        return range;
    }

    /// <summary>Another node asks for what HTTP has no fields for.</summary>
    private static void TellPeer(HttpContext context, BlobMetadata metadata)
    {
        if (context.Request.Headers[MetadataField.Name] is [MetadataField.Ask] && MetadataField.Write(metadata) is { } text)
            context.Response.Headers[MetadataField.Name] = text;
    }

    private async Task SendAsync(HttpContext context, BlobRequest blob, IBlobReader reader, ByteRange range)
    {
        var body = context.Response.BodyWriter;
        var sent = 0L;
        try
        {
            // Once the header is written, the body's memory is the connection's own; before, it would be memory to be copied from.
            if (range.Length > 0)
                await context.Response.StartAsync(context.RequestAborted);
            if (reader.TryGetMemory(out var content))
            {
                await body.WriteAsync(content.Slice((int)range.Offset, (int)range.Length), context.RequestAborted);
                sent = range.Length;
            }
            while (sent < range.Length)
            {
                var buffer = body.GetMemory((int)Math.Min(ChunkLength, range.Length - sent));
                var read = await reader.ReadAsync(range.Offset + sent, buffer[..(int)Math.Min(buffer.Length, range.Length - sent)], context.RequestAborted);
                if (read == 0)
                    throw new BlobDamagedException($"The content of {blob.Key} ends too early.");
                body.Advance(read);
                sent += read;
                var flushed = await body.FlushAsync(context.RequestAborted);
                if (flushed.IsCompleted || flushed.IsCanceled)
                    break;
                if (sent < range.Length && InlineTurn.IsOver(context, read))
                    await Task.Yield();
            }
        }
        catch (IOException error) when (!context.RequestAborted.IsCancellationRequested)
        {
            // The length has been announced: only a cut connection tells the client that this is not the blob.
            LogCut(error, blob.Key, sent);
            context.Abort();
        }
        metrics.RecordSent(blob.Policy.Name, sent);
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

    [LoggerMessage(LogLevel.Error, "The transfer of {Key} was cut after {Sent} bytes")]
    private partial void LogCut(Exception error, BlobKey key, long sent);
}
