using System.IO.Pipelines;
using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Observability;
using EdgeCache.Edge.Origins;
using EdgeCache.Edge.Protocols;
using EdgeCache.Edge.Transport;
using EdgeCache.Storage;
using EdgeCache.Storage.Tiering;

namespace EdgeCache.Edge.Delivery;

/// <summary>GET and HEAD of a blob.</summary>
internal sealed partial class GetHandler(IBlobStore store, LiveSettings settings, EdgeMetrics metrics, ILogger<GetHandler> logger, IRedirector? redirector = null)
{
    /// <summary>Bytes that are read from the store and handed to the connection at a time.</summary>
    private const int ChunkLength = 64 * 1024;

    /// <summary>Bytes that the system is told to send from a file at a time.</summary>
    private const int FilePartLength = 256 * 1024;

    /// <summary>Shorter content is read: a copy of it costs less than the calls that save it.</summary>
    private const int LeastFilePart = 16 * 1024;

    /// <summary>Bytes that are read after a part was not in the system's memory, before it is asked again: it reads ahead, and what is on its way in would be waited for.</summary>
    private const int ColdStretch = 1024 * 1024;

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
        if (!await StartAsync(context, found.Value, fields, found.Value.Source))
            return;
        Representation.SetContent(context.Response, found.Value, fields);
        TellPeer(context, found.Value);
        context.Response.ContentLength = found.Value.Length;
    }

    private async Task GetAsync(HttpContext context, BlobRequest blob)
    {
        if (redirector is not null && settings.Current.Options.Delivery is { RedirectAbove.Bytes: > 0 and var least } delivery && !Preconditions.AreIn(context.Request.Headers)
            && await redirector.TryRedirectAsync(blob.Key, least, delivery.RedirectLifetime, context.RequestAborted) is { } elsewhere)
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
        if (!await StartAsync(context, reader.Metadata, fields, reader.Source))
            return;
        if (await SelectRangeAsync(context, reader.Metadata, fields) is { } range)
            await SendAsync(context, blob, reader, range);
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

    private BlobFields FieldsOf(BlobMetadata metadata, BlobRequest blob) => BlobFields.Of(metadata, blob.Policy, isPublic: settings.Current.Token is null);

    /// <summary>Evaluates the preconditions and sets the validators; false when the answer is complete without content.</summary>
    private static async ValueTask<bool> StartAsync(HttpContext context, BlobMetadata metadata, BlobFields fields, BlobSource source)
    {
        var result = Preconditions.EvaluateRead(context.Request.Headers, metadata);
        if (result == PreconditionResult.Malformed)
        {
            await Problem.WriteAsync(context, StatusCodes.Status400BadRequest, "If-Match and If-None-Match take '*' or a list of entity tags in double quotes.");
            return false;
        }
        Representation.SetValidators(context.Response, fields, source);
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
        var (sent, fromFiles, filesFrom) = (0L, 0L, 0L);
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
            var files = range.Length - sent < LeastFilePart ? null : context.Features.Get<SocketPipeWriter>();
            while (sent < range.Length)
            {
                var (offset, left) = (range.Offset + sent, range.Length - sent);
                var part = 0;
                if (files is not null && sent >= filesFrom)
                {
                    part = WriteFromFile(files, body, reader, offset, left);
                    fromFiles += part;
                    filesFrom = part > 0 ? filesFrom : sent + ColdStretch;
                }
                if (part == 0)
                    part = await WriteAsync(body, reader, offset, left, context.RequestAborted);
                var flushed = await body.FlushAsync(context.RequestAborted);
                if (files is { IsFileShort: true })
                    await FailShortAsync(reader, offset + part - 1);
                sent += part;
                if (flushed.IsCompleted || flushed.IsCanceled)
                    break;
                if (sent < range.Length && InlineTurn.IsOver(context, part))
                    await Task.Yield();
            }
        }
        catch (IOException error) when (!context.RequestAborted.IsCancellationRequested)
        {
            // The length has been announced: only a cut connection tells the client that this is not the blob.
            LogCut(error, blob.Key, sent);
            context.Abort();
        }
        metrics.RecordSent(blob.Policy.Name, sent, fromFiles);
    }

    /// <summary>Has the next bytes sent from the file that they are in, if that can be done without a wait; 0 where they have to be read.</summary>
    private static int WriteFromFile(SocketPipeWriter files, PipeWriter body, IBlobReader reader, long offset, long left)
    {
        var length = (int)Math.Min(FilePartLength, left);
        return reader.TryGetFile(offset, length, out var file, out var position) && files.TryWriteFile(body, file, position, length) ? length : 0;
    }

    private static async ValueTask<int> WriteAsync(PipeWriter body, IBlobReader reader, long offset, long left, CancellationToken cancellationToken)
    {
        var buffer = body.GetMemory((int)Math.Min(ChunkLength, left));
        var read = await reader.ReadAsync(offset, buffer[..(int)Math.Min(buffer.Length, left)], cancellationToken);
        if (read == 0)
            throw new BlobDamagedException($"The content of {reader.Metadata.Key} ends too early.");
        body.Advance(read);
        return read;
    }

    /// <summary>A file did not have what was to be sent of it. Its reader finds that too, and sees to it that nobody is served from it any more.</summary>
    private static async Task FailShortAsync(IBlobReader reader, long last)
    {
        await reader.ReadAsync(last, new byte[1], CancellationToken.None);
        throw new BlobDamagedException($"The content of {reader.Metadata.Key} ends too early.");
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
