using System.Collections.Concurrent;

namespace EdgeCache.Storage.S3;

/// <summary>The large buffers of all uploads of a store: a fixed number, handed round. Made when first needed, kept while the store is open.</summary>
#pragma warning disable CA1001 // A buffer may come back after the store has closed; without a wait handle the semaphore holds nothing of the system.
internal sealed class PartBuffers(int length, int count)
#pragma warning restore CA1001
{
    private readonly ConcurrentBag<byte[]> _free = [];
    private readonly SemaphoreSlim _permits = new(count, count);

    public int Length => length;

    /// <summary>Buffers that nobody holds.</summary>
    public int Free => _permits.CurrentCount;

    /// <summary>A buffer of the length; null when none has become free in time.</summary>
    public async ValueTask<byte[]?> RentAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        if (!await _permits.WaitAsync(limit, cancellationToken).ConfigureAwait(false))
            return null;
        return _free.TryTake(out var buffer) ? buffer : GC.AllocateUninitializedArray<byte>(length);
    }

    public void Return(byte[] buffer)
    {
        _free.Add(buffer);
        _permits.Release();
    }
}
