using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Connections;

namespace EdgeCache.Edge.Transport;

/// <summary>
/// The memory that connections receive into, in blocks of 32 KiB. The server's own blocks have 4 KiB, and it asks the system twice for each of them: an upload of 64 MiB took 33,000 calls.
/// A connection that waits for a request holds none, whatever their length.
/// </summary>
/// <remarks>One pool for all: the server makes one for each of its queues otherwise, and each would keep blocks of its own.</remarks>
internal sealed class ReceiveBlocks : MemoryPool<byte>, IMemoryPoolFactory<byte>
{
    /// <summary>Bytes of a block. Longer ones bring little more, and a small request holds one too.</summary>
    public const int BlockLength = 32 * 1024;

    /// <summary>Blocks that are kept for the next: 2 MiB. Those beyond are the garbage collector's.</summary>
    public const int MaxKept = 64;

    private readonly ConcurrentQueue<byte[]> _kept = new();
    private int _count;

    public override int MaxBufferSize => BlockLength;

    /// <summary>Blocks that wait for their next use.</summary>
    public int Kept => Volatile.Read(ref _count);

    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => this;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BlockLength);
        if (!_kept.TryDequeue(out var bytes))
            return new Block(this, GC.AllocateUninitializedArray<byte>(BlockLength, pinned: true));
        Interlocked.Decrement(ref _count);
        return new Block(this, bytes);
    }

    /// <summary>Nothing: the server disposes what it was given at the end of each of its queues, and this is all of theirs.</summary>
    [SuppressMessage("Usage", "CA2215", Justification = "There is nothing to dispose of in the base class.")]
    protected override void Dispose(bool disposing)
    {
    }

    private void Return(byte[] bytes)
    {
        if (Interlocked.Increment(ref _count) <= MaxKept)
            _kept.Enqueue(bytes);
        else
            Interlocked.Decrement(ref _count);
    }

    /// <summary>One use of a block. It is an object of its own, so that whoever disposes it twice does not give away what is somebody else's by then.</summary>
    private sealed class Block(ReceiveBlocks pool, byte[] bytes) : IMemoryOwner<byte>
    {
        private byte[]? _bytes = bytes;

        public Memory<byte> Memory => _bytes ?? throw new ObjectDisposedException(nameof(Block));

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _bytes, null) is { } returned)
                pool.Return(returned);
        }
    }
}
