using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using EdgeCache.TestKit;

namespace EdgeCache.System.Tests.Load;

/// <summary>
/// Answers as the server of a bucket does, and keeps nothing but the lengths of what it is sent: quick, and of any size. What it serves are the bytes of the pattern, whatever was sent.
/// It does not look at signatures and conditions.
/// </summary>
internal sealed class DiscardingBucket : IAsyncDisposable
{
    private const string Tag = "\"0123456789abcdef0123456789abcdef-1\"";
    private const string Xml = "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";

    private readonly LoopbackServer _listener;
    private readonly ConcurrentDictionary<string, StoredObject> _objects = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, StoredObject> _uploads = new(StringComparer.Ordinal);

    public DiscardingBucket() => _listener = new LoopbackServer(ServeAsync);

    public Uri Endpoint => new($"http://127.0.0.1:{_listener.Port}");

    /// <summary>Puts an object there, as another node would have.</summary>
    public void Offer(string name, long length, string digest) => _objects[name] = new StoredObject($"x-amz-meta-edgecache-sha256: {digest}\r\n") { Length = length };

    /// <summary>Length of an object; null when there is none.</summary>
    public long? Find(string name) => _objects.TryGetValue(name, out var found) ? found.Length : null;

    public ValueTask DisposeAsync() => _listener.DisposeAsync();

    private async Task ServeAsync(NetworkStream stream, CancellationToken cancellationToken)
    {
        var peer = new HttpPeer(stream);
        var buffer = new byte[HttpPeer.BufferLength];
        while (await peer.ReadHeadAsync(cancellationToken) is { } head)
        {
            var length = head.ContentLength ?? 0;
            for (var left = length; left > 0;)
                left -= await peer.ReadAsync(buffer.AsMemory(0, (int)Math.Min(left, buffer.Length)), cancellationToken) is > 0 and var read ? read : throw new EndOfStreamException();
            var request = S3Request.Parse(head);
            if (request.Call is S3Call.Get or S3Call.GetRange or S3Call.Head)
                await SendObjectAsync(peer, request, cancellationToken);
            else
                await peer.WriteAsync(Change(request, length), cancellationToken);
        }
    }

    private string Change(S3Request request, long length)
    {
        switch (request.Call)
        {
            case S3Call.Put:
                _objects[request.Name] = new StoredObject(FieldsOf(request.Head)) { Length = length };
                return Answer("", Tag);
            case S3Call.BeginParts:
                _uploads[request.Name] = new StoredObject(FieldsOf(request.Head));
                return Answer($"<InitiateMultipartUploadResult {Xml}><UploadId>upload</UploadId></InitiateMultipartUploadResult>");
            case S3Call.PutPart:
                Interlocked.Add(ref _uploads[request.Name].Length, length);
                return Answer("", Tag);
            case S3Call.CompleteParts:
                _objects[request.Name] = _uploads[request.Name];
                return Answer($"<CompleteMultipartUploadResult {Xml}><ETag>{Tag}</ETag></CompleteMultipartUploadResult>");
            case S3Call.Copy:
                _objects[request.Name] = new StoredObject(FieldsOf(request.Head)) { Length = _objects[request.Name].Length };
                return Answer($"<CopyObjectResult {Xml}><ETag>{Tag}</ETag></CopyObjectResult>");
            default:
                return Answer("");
        }
    }

    private async Task SendObjectAsync(HttpPeer peer, S3Request request, CancellationToken cancellationToken)
    {
        if (!_objects.TryGetValue(request.Name, out var found))
        {
            var body = request.Call == S3Call.Head ? "" : "<Error><Code>NoSuchKey</Code></Error>";
            await peer.WriteAsync($"HTTP/1.1 404 Not Found\r\nContent-Length: {body.Length}\r\n\r\n{body}", cancellationToken);
            return;
        }
        var (first, end) = request.Call == S3Call.GetRange ? RangeOf(request.Head, found.Length) : (0, found.Length);
        var part = request.Call == S3Call.GetRange ? $"206 Partial Content\r\nContent-Range: bytes {first}-{end - 1}/{found.Length}" : "200 OK";
        await peer.WriteAsync($"HTTP/1.1 {part}\r\nContent-Length: {end - first}\r\nETag: {Tag}\r\nLast-Modified: Sun, 01 Mar 2026 09:30:00 GMT\r\n{found.Fields}\r\n", cancellationToken);
        if (request.Call == S3Call.Head)
            return;
        var pattern = new Pattern();
        for (var offset = first; offset < end;)
        {
            var bytes = pattern.At(offset, end - offset);
            await peer.WriteAsync(bytes, cancellationToken);
            offset += bytes.Length;
        }
    }

    private static (long First, long End) RangeOf(HttpHead head, long length)
    {
        var bounds = head["Range"]!["bytes=".Length..].Split('-');
        return (long.Parse(bounds[0], CultureInfo.InvariantCulture), bounds[1].Length == 0 ? length : Math.Min(length, long.Parse(bounds[1], CultureInfo.InvariantCulture) + 1));
    }

    private static string FieldsOf(HttpHead head) => string.Concat(head.Text.Split("\r\n").Where(l => l.StartsWith("x-amz-meta-", StringComparison.OrdinalIgnoreCase)).Select(l => l + "\r\n"));

    private static string Answer(string body, string? tag = null) => $"HTTP/1.1 200 OK\r\n{(tag is null ? "" : $"ETag: {tag}\r\n")}Content-Length: {body.Length}\r\n\r\n{body}";

    /// <summary>What is known of an object: its length, and the fields that came with it, each a line.</summary>
    private sealed class StoredObject(string fields)
    {
        public long Length;

        public string Fields => fields;
    }
}
