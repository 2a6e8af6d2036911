using System.Buffers;
using System.IO.Pipelines;
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

    /// <summary>Bytes that the system is told to send from a file at a time.</summary>
    private const int FilePartLength = 1024 * 1024;

    /// <summary>Shorter content is read: a copy of it costs less than the calls that save it.</summary>
    private const int LeastFilePart = 16 * 1024;

    /// <summary>Bytes that are read after a part was not in the system's memory, before it is asked again: it reads ahead, and what is on its way in would be waited for.</summary>
    private const int ColdStretch = 1024 * 1024;

    /// <summary>Sends a part of the content, or the payload as it is stored, which has a coding.</summary>
    private async Task SendAsync(HttpContext context, BlobRequest blob, IBlobReader reader, ByteRange range, ContentCoding coding)
    {
        var body = context.Response.BodyWriter;
        var isPayload = coding != ContentCoding.Identity;
        var (sent, fromFiles, filesFrom) = (0L, 0L, 0L);
        try
        {
            // Once the header is written, the body's memory is the connection's own; before, it would be memory to be copied from.
            if (range.Length > 0)
                await context.Response.StartAsync(context.RequestAborted);
            if (isPayload ? reader.TryGetPayloadMemory(out var content) : reader.TryGetMemory(out content))
            {
                await body.WriteAsync(content.Slice((int)range.Offset, (int)range.Length), context.RequestAborted);
                sent = range.Length;
                blob.Traffic?.Add(sent);
                InlineTurn.Note(context, (int)sent);
            }
            var files = range.Length - sent < LeastFilePart ? null : context.Features.Get<SocketPipeWriter>();
            while (sent < range.Length)
            {
                var (offset, left) = (range.Offset + sent, range.Length - sent);
                var part = 0;
                if (files is not null && sent >= filesFrom)
                {
                    part = WriteFromFile(files, body, reader, isPayload, offset, left);
                    fromFiles += part;
                    filesFrom = part > 0 ? filesFrom : sent + ColdStretch;
                }
                if (part == 0)
                    part = await WriteAsync(body, reader, isPayload, offset, left, context.RequestAborted);
                blob.Traffic?.Add(part);
                var flushed = await body.FlushAsync(context.RequestAborted);
                if (files is { IsFileShort: true })
                    await FailShortAsync(reader, isPayload, offset + part - 1);
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
        if (isPayload && sent == range.Length)
            codings.RecordSaved(coding, reader.Metadata.Length - sent);
    }

    /// <summary>Has the next bytes sent from the file that they are in, if that can be done without a wait; 0 where they have to be read.</summary>
    private static int WriteFromFile(SocketPipeWriter files, PipeWriter body, IBlobReader reader, bool isPayload, long offset, long left)
    {
        var length = (int)Math.Min(FilePartLength, left);
        if (!(isPayload ? reader.TryGetPayloadFile(offset, length, out var file, out var position) : reader.TryGetFile(offset, length, out file, out position)))
            return 0;
        // The next part begins with a page.
        if (length < left)
            length -= (int)((position + length) % Environment.SystemPageSize);
        return files.TryWriteFile(body, file, position, length) ? length : 0;
    }

    private static async ValueTask<int> WriteAsync(PipeWriter body, IBlobReader reader, bool isPayload, long offset, long left, CancellationToken cancellationToken)
    {
        var buffer = body.GetMemory((int)Math.Min(ChunkLength, left));
        buffer = buffer[..(int)Math.Min(buffer.Length, left)];
        var read = await ReadAsync(reader, isPayload, offset, buffer, cancellationToken);
        if (read == 0)
            throw new BlobDamagedException($"What is stored of {reader.Metadata.Key} ends too early.");
        body.Advance(read);
        return read;
    }

    private static ValueTask<int> ReadAsync(IBlobReader reader, bool isPayload, long offset, Memory<byte> buffer, CancellationToken cancellationToken) =>
        isPayload ? reader.ReadPayloadAsync(offset, buffer, cancellationToken) : reader.ReadAsync(offset, buffer, cancellationToken);

    /// <summary>A file did not have what was to be sent of it. Its reader finds that too, and sees to it that nobody is served from it any more.</summary>
    private static async Task FailShortAsync(IBlobReader reader, bool isPayload, long last)
    {
        await ReadAsync(reader, isPayload, last, new byte[1], CancellationToken.None);
        throw new BlobDamagedException($"What is stored of {reader.Metadata.Key} ends too early.");
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
                // To encode takes as long as to send a hundred times as much.
                if (InlineTurn.IsOnSocketThread)
                    await Task.Yield();
                read += content.Length;
                var (made, goesOn) = await EncodeAsync(context, selected.Encoder!, content, isLast: read == length);
                sent += made;
                blob.Traffic?.Add(made);
                if (!goesOn || read == length)
                    break;
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
        metrics.RecordSent(blob.Policy.Name, sent, fromFiles: 0);
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
