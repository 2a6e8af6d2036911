using System.Buffers;

namespace EdgeCache.Storage.Tiering;

/// <summary>Copies what one store has taken to a writer of another.</summary>
internal static class StagedContent
{
    /// <summary>As many as there are uploads wait with one for the far store, so it is a short one.</summary>
    private const int BufferLength = 64 * 1024;

    /// <summary>Copies the first bytes of what was staged.</summary>
    /// <returns>How the writer took it; <see cref="StoreStatus.Unavailable"/> when it can't be read back.</returns>
    public static async ValueTask<StoreStatus> CopyAsync(IStagedBlobWriter staged, long length, IBlobWriter target, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(length, 1, BufferLength));
        try
        {
            for (var offset = 0L; offset < length;)
            {
                var read = await staged.ReadAsync(offset, buffer.AsMemory(0, (int)Math.Min(length - offset, buffer.Length)), cancellationToken).ConfigureAwait(false);
                if (read == 0)
                    return StoreStatus.Unavailable;
                if (await target.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false) is var status && status != StoreStatus.Ok)
                    return status;
                offset += read;
            }
            return StoreStatus.Ok;
        }
        catch (IOException)
        {
            return StoreStatus.Unavailable;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
