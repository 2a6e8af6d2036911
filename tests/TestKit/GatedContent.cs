using System.Net;

namespace EdgeCache.TestKit;

/// <summary>A request body whose first half is sent at once and whose second half waits until the test opens the gate.</summary>
public sealed class GatedContent(byte[] content) : HttpContent
{
    private readonly TaskCompletionSource _gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _halfSent = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when the first half has been handed to the connection.</summary>
    public Task HalfSent => _halfSent.Task;

    public void Open() => _gate.TrySetResult();

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        var half = content.Length / 2;
        await stream.WriteAsync(content.AsMemory(0, half));
        await stream.FlushAsync();
        _halfSent.TrySetResult();
        await _gate.Task;
        await stream.WriteAsync(content.AsMemory(half));
    }

    protected override bool TryComputeLength(out long length)
    {
        length = content.Length;
        return true;
    }
}
