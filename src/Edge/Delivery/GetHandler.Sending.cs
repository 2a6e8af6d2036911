using System.Buffers;
using EdgeCache.Codecs;
using EdgeCache.Edge.Compression;
using EdgeCache.Edge.Protocols;
using EdgeCache.Edge.Transport;
using EdgeCache.Storage;

namespace EdgeCache.Edge.Delivery;

/// <summary>What is sent of a blob, once the header is complete.</summary>
internal sealed partial class GetHandler
{
    /// <summary>Bytes that are read from the store and handed to the connection at a time.</summary>
    private const int ChunkLength = 64 * 1024;

    /// <summary>Sends a part of the content, or of the payload as it is stored, which has a coding.</summary>
    private async Task SendAsync(HttpContext context, BlobRequest blob, IBlobReader reader, ByteRange range, ContentCoding coding)
    {
        var body = context.Response.BodyWriter;
        var isPayload = coding != ContentCoding.Identity;
        var sent = 0L;
        try
        {
            // Once the header is written, the body's memory is the connection's own; before, it would be memory to be copied from.
            if (range.Length > 0)
                await context.Response.StartAsync(context.RequestAborted);
            if (isPayload ? reader.TryGetPayloadMemory(out var content) : reader.TryGetMemory(out content))
            {
                await body.WriteAsync(content.Slice((int)range.Offset, (int)range.Length), context.RequestAborted);
                sent = range.Length;
            }
            while (sent < range.Length)
            {
                var buffer = body.GetMemory((int)Math.Min(ChunkLength, range.Length - sent));
                buffer = buffer[..(int)Math.Min(buffer.Length, range.Length - sent)];
                var read = isPayload
                    ? await reader.ReadPayloadAsync(range.Offset + sent, buffer, context.RequestAborted)
                    : await reader.ReadAsync(range.Offset + sent, buffer, context.RequestAborted);
                if (read == 0)
                    throw new BlobDamagedException($"What is stored of {blob.Key} ends too early.");
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
        if (isPayload)
            codings.RecordSaved(coding, sent == range.Length ? reader.Metadata.Length - sent : 0);
    }

    /// <summary>Sends the content through an encoder. How long that will be is not known, so the end of the body alone says that it is whole.</summary>
    private async Task SendEncodedAsync(HttpContext context, BlobRequest blob, IBlobReader reader, SelectedCoding selected)
    {
        var piece = ArrayPool<byte>.Shared.Rent(ChunkLength);
        var (read, sent, length) = (0L, 0L, reader.Metadata.Length);
        try
        {
            await context.Response.StartAsync(context.RequestAborted);
            var content = selected.First;
            while (true)
            {
                read += content.Length;
                var (made, goesOn) = await EncodeAsync(context, selected.Encoder!, content, isLast: read == length);
                sent += made;
                if (!goesOn || read == length)
                    break;
                if (InlineTurn.IsOver(context, content.Length))
                    await Task.Yield();
                var got = await reader.ReadAsync(read, piece.AsMemory(0, (int)Math.Min(ChunkLength, length - read)), context.RequestAborted);
                if (got == 0)
                    throw new BlobDamagedException($"The content of {blob.Key} ends too early.");
                content = piece.AsMemory(0, got);
            }
        }
        catch (IOException error) when (!context.RequestAborted.IsCancellationRequested)
        {
            LogCut(error, blob.Key, sent);
            context.Abort();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
        metrics.RecordSent(blob.Policy.Name, sent);
        codings.RecordSaved(selected.Coding, read - sent);
    }

    private static async ValueTask<(long Made, bool GoesOn)> EncodeAsync(HttpContext context, StreamEncoder encoder, ReadOnlyMemory<byte> content, bool isLast)
    {
        var body = context.Response.BodyWriter;
        var made = 0L;
        while (true)
        {
            var step = encoder.Encode(content.Span, body.GetSpan(), isLast ? EncodeMode.End : EncodeMode.Continue);
            body.Advance(step.Produced);
            made += step.Produced;
            content = content[step.Consumed..];
            if (step.Status is not (CodecStatus.Ok or CodecStatus.NeedsOutput))
                throw new IOException($"The content can't be encoded: {step.Status}.");
            if (step.Produced > 0)
            {
                var flushed = await body.FlushAsync(context.RequestAborted);
                if (flushed.IsCompleted || flushed.IsCanceled)
                    return (made, false);
            }
            if (step.Status == CodecStatus.Ok)
                return (made, true);
        }
    }

    [LoggerMessage(LogLevel.Error, "The transfer of {Key} was cut after {Sent} bytes")]
    private partial void LogCut(Exception error, BlobKey key, long sent);
}
