using System.IO.Pipelines;
using System.Net.Sockets;
using EdgeCache.Edge.Compression;
using EdgeCache.Edge.Limits;
using EdgeCache.Edge.Observability;
using EdgeCache.Edge.Protocols;
using EdgeCache.Edge.Transport;
using EdgeCache.Storage;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace EdgeCache.Edge.Delivery;

/// <summary>PUT of a blob: checks what can be checked before the body is asked for, streams it into the store, acknowledges what the store has.</summary>
internal sealed class PutHandler(IBlobStore store, EdgeMetrics metrics, Reputation reputation, UploadCodings codings)
{
    // From linux/tcp.h: the option and its level.
    private const int TcpLevel = 6;
    private const int TcpQuickAck = 12;

    public async Task HandleAsync(HttpContext context, BlobRequest blob)
    {
        if (UploadFields.TryRead(context.Request, blob, codings, out var options, out var digests, out var coding) is { } refusal)
        {
            if (refusal.Status == StatusCodes.Status415UnsupportedMediaType)
                context.Response.Headers.AcceptEncoding = codings.Accepted;
            await Problem.WriteAsync(context, refusal.Status, refusal.Detail);
            return;
        }
        using var encoded = coding == ContentCoding.Identity ? null : codings.TryBegin(coding, options.MaxLength);
        if (encoded is null && coding != ContentCoding.Identity)
        {
            await StoreProblem.WriteAsync(context, blob.Policy, StoreStatus.Unavailable, "Too many uploads are being decoded now.");
            return;
        }
        options = options with { Condition = await CodedTags.ResolveAsync(options.Condition, store, blob.Key, context.RequestAborted) };
        if (await OpenAsync(context, blob, options) is not { } opened)
            return;
        if (!opened.IsOk)
        {
            await StoreProblem.WriteAsync(context, blob.Policy, opened.Status, opened.Detail);
            return;
        }
        await using var writer = opened.Value;
        using var sent = SentDigests.Begin(digests, isEncoded: encoded is not null);
        var status = await ReceiveAsync(context, blob, writer, encoded, sent);
        var fault = status == StoreStatus.Ok ? sent?.Check() : encoded?.Fault;
        if (status != StoreStatus.Ok || fault is not null)
        {
            await RefuseAsync(context, blob, fault is null ? status : StoreStatus.DigestMismatch, fault);
            return;
        }
        var committed = await writer.CommitAsync(context.RequestAborted);
        if (committed.IsOk)
            Acknowledge(context, blob, committed.Value, coding, encoded?.Received ?? 0);
        else
            await RefuseAsync(context, blob, committed.Status, committed.Detail);
    }

    /// <summary>Content that is not what its digest says counts against whoever sent it.</summary>
    private Task RefuseAsync(HttpContext context, BlobRequest blob, StoreStatus status, string? detail)
    {
        if (status == StoreStatus.DigestMismatch)
            reputation.Report(context, Offence.DigestMismatch);
        return StoreProblem.WriteAsync(context, blob.Policy, status, detail);
    }

    /// <summary>Null when the answer is complete: the store can't keep the metadata that another node has sent.</summary>
    private async ValueTask<Outcome<IBlobWriter>?> OpenAsync(HttpContext context, BlobRequest blob, PutOptions options)
    {
        try
        {
            return await store.OpenWriteAsync(blob.Key, options, context.RequestAborted);
        }
        catch (ArgumentException error) when (context.Request.Headers.ContainsKey(MetadataField.Name))
        {
            await Problem.WriteAsync(context, StatusCodes.Status400BadRequest, $"{MetadataField.Name} can't be kept: {error.Message}");
            return null;
        }
    }

    private static async Task<StoreStatus> ReceiveAsync(HttpContext context, BlobRequest blob, IBlobWriter writer, EncodedUpload? encoded, SentDigests? sent)
    {
        var body = context.Request.BodyReader;
        var first = ReadAsync(body);
        var isHere = first.IsCompleted;
        if (!isHere)
            AcknowledgeAtOnce(context);
        var result = await first;
        if (isHere && !result.IsCompleted)
            AcknowledgeAtOnce(context);
        for (; ; result = await ReadAsync(body))
        {
            blob.Traffic?.Add(result.Buffer.Length);

            // What has come is decoded, digested and written, and the system may hold up whoever writes faster than the disk.
            if (InlineTurn.IsOnSocketThread)
                await Task.Yield();
            foreach (var segment in result.Buffer)
            {
                sent?.Add(segment.Span);
                var status = encoded is null
                    ? await writer.WriteAsync(segment, context.RequestAborted)
                    : await encoded.WriteAsync(segment, writer, context.RequestAborted);
                if (status != StoreStatus.Ok)
                {
                    body.AdvanceTo(result.Buffer.End);
                    return status;
                }
            }
            body.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
                return encoded?.End() ?? StoreStatus.Ok;
        }
    }

    private static async ValueTask<ReadResult> ReadAsync(PipeReader body)
    {
        try
        {
            // A read ends by itself when the client goes or the server cuts the connection. Cancelled from here, it would leave the reader as if still
            // reading, and the server would log an error for many a client that leaves.
            return await body.ReadAsync(CancellationToken.None);
        }
        catch (IOException error) when (error is not (BadHttpRequestException or ConnectionResetException))
        {
            // Kestrel says so of a chunk size that overflows; whatever makes a body unreadable is the request's fault, not the node's.
            throw new BadHttpRequestException("The body of the request can't be read.", error);
        }
    }

    private void Acknowledge(HttpContext context, BlobRequest blob, PutReceipt receipt, ContentCoding coding, long received)
    {
        var response = context.Response;
        if (coding != ContentCoding.Identity)
            codings.RecordStored(coding, receipt.Metadata.Length, received);
        if (receipt.Effect != PutEffect.Unchanged)
            metrics.RecordReceived(blob.Policy.Name, receipt.Metadata.Length);
        response.StatusCode = receipt.Effect == PutEffect.Created ? StatusCodes.Status201Created : StatusCodes.Status200OK;

        // A tag would say that what was sent is stored as it was sent (RFC 9110, section 9.3.4).
        if (coding == ContentCoding.Identity)
            response.Headers.ETag = Representation.ETag(receipt.Metadata);
        response.Headers["EdgeCache-Stored"] = receipt.Stored switch
        {
            StoredWhere.Far => "far",
            StoredWhere.Local => "local",
            _ => "none",
        };
        if (context.Request.Headers.ContainsKey(MetadataField.Name) && MetadataField.Write(receipt.Metadata, receipt.Effect) is { } metadata)
            response.Headers[MetadataField.Name] = metadata;
        response.ContentLength = 0;
    }

    /// <summary>
    /// Has the kernel acknowledge the header now, where the body has not come with it. Clients that send header and body in two writes (ccache) otherwise wait for its delayed
    /// acknowledgement, 40 ms for each PUT on a connection that is kept open.
    /// </summary>
    private static void AcknowledgeAtOnce(HttpContext context)
    {
        if (OperatingSystem.IsLinux() && HttpProtocol.IsHttp11(context.Request.Protocol) && !context.Request.IsHttps
            && context.Features.Get<IConnectionSocketFeature>() is { Socket: { } socket })
        {
            ReadOnlySpan<byte> on = [1, 0, 0, 0];
            try
            {
                socket.SetRawSocketOption(TcpLevel, TcpQuickAck, on);
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                // The client has gone already; reading the body will tell.
            }
        }
    }
}
