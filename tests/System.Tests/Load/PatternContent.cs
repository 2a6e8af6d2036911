using System.Net;

namespace EdgeCache.System.Tests.Load;

/// <summary>The body of a PUT: so many bytes of the pattern.</summary>
internal sealed class PatternContent(long length) : HttpContent
{
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        var pattern = new Pattern();
        for (var offset = 0L; offset < length;)
        {
            var part = pattern.At(offset, length - offset);
            await stream.WriteAsync(part, cancellationToken);
            offset += part.Length;
        }
    }

    protected override bool TryComputeLength(out long computed)
    {
        computed = length;
        return true;
    }
}
