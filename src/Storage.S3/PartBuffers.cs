using System.Buffers;
using System.Runtime.InteropServices;

namespace EdgeCache.Storage.S3;

/// <summary>
/// The memory of all uploads of a store: a fixed number of pieces, handed round. A part takes them one by one as its content comes, so an upload whose client is slow holds what it
/// has got and no more. The pieces of one part are kept apart for whoever finds no other: one at a time, who with them can end his part whatever the others do.
/// </summary>
/// <remarks>
/// Pieces are made when they are first needed, and then kept for the next parts: what is handed back to a pool of the runtime's becomes garbage beyond a few dozen pieces, and a collector that has no
/// hurry with that lets the process grow to half as much again.
/// </remarks>
internal sealed class PartBuffers(int length, int count)
{
    /// <summary>Length of a piece in bytes. The first of each upload is from the pool that the local store takes its own from, which are as long.</summary>
    public const int PieceLength = 128 * 1024;

    private readonly Lock _lock = new(); // Protects the fields below, and how many pieces each part has. Held for an instant.
    private readonly Stack<byte[]> _kept = []; // The one used last is the first to be used again, so no more are made than were in use at a time.
    private readonly LinkedList<Waiter> _waiting = [];
    private int _free = (count - 1) * PiecesOf(length);
    private PartBuffer? _favoured; // Who has, or may take, the pieces that are kept apart.

    /// <summary>Length of a part in bytes.</summary>
    public int Length => length;

    /// <summary>Parts that nobody holds any piece of.</summary>
    public int Free
    {
        get
        {
            lock (_lock)
                return (_free / PiecesOf(length)) + (_favoured is null ? 1 : 0);
        }
    }

    /// <summary>Lets a part have one more piece.</summary>
    /// <returns>False when none has become free in time.</returns>
    public async ValueTask<bool> TakeAsync(PartBuffer part, TimeSpan limit, CancellationToken cancellationToken)
    {
        LinkedListNode<Waiter> waiter;
        lock (_lock)
        {
            if (TryTake(part))
                return true;
            waiter = _waiting.AddLast(new Waiter(part));
        }
        try
        {
            await waiter.Value.Served.Task.WaitAsync(limit, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return !TryLeave(waiter);
        }
        catch (OperationCanceledException)
        {
            // What it has got in the same instant goes back with the part.
            TryLeave(waiter);
            throw;
        }
    }

    /// <summary>A piece, for a part that was let have one more.</summary>
    public byte[] Rent()
    {
        lock (_lock)
        {
            if (_kept.TryPop(out var piece))
                return piece;
        }
        return GC.AllocateUninitializedArray<byte>(PieceLength);
    }

    /// <summary>Takes back what a part had.</summary>
    /// <param name="part">The part.</param>
    /// <param name="pieces">The pieces that it rented.</param>
    public void Return(PartBuffer part, ReadOnlySpan<byte[]> pieces)
    {
        lock (_lock)
        {
            foreach (var piece in pieces)
                _kept.Push(piece);
            _free += part.Taken;
            part.Taken = 0;
            if (ReferenceEquals(_favoured, part))
                _favoured = null;
            while (_waiting.First is { } first && TryTake(first.Value.Part))
            {
                _waiting.RemoveFirst();
                first.Value.Served.TrySetResult();
            }
        }
    }

    private static int PiecesOf(int length) => (length + PieceLength - 1) / PieceLength;

    private bool TryTake(PartBuffer part)
    {
        if (ReferenceEquals(_favoured, part))
            return true;
        if (_free > 0)
        {
            _free--;
            part.Taken++;
            return true;
        }
        if (_favoured is not null)
            return false;
        _favoured = part;
        return true;
    }

    private bool TryLeave(LinkedListNode<Waiter> waiter)
    {
        lock (_lock)
        {
            if (waiter.List is null)
                return false;
            _waiting.Remove(waiter);
            return true;
        }
    }

    private sealed record Waiter(PartBuffer Part)
    {
        public TaskCompletionSource Served { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <summary>A part that is being gathered, or content that may become one. Its first piece, where nothing has been sent yet, is the writer's own.</summary>
internal sealed class PartBuffer(PartBuffers owner, bool hasOwnPiece)
{
    private const int FirstLength = 32 * 1024;
    private readonly List<byte[]> _pieces = [];
    private int _room; // In the last piece.

    /// <summary>Bytes in it.</summary>
    public int Length { get; private set; }

    /// <summary>Whether it can take no more: it is a whole part.</summary>
    public bool IsFull => Length == owner.Length;

    /// <summary>Pieces that are to be given back; the owner's business, under its lock.</summary>
    internal int Taken { get; set; }

    /// <summary>Makes room for at least a byte, unless it is full.</summary>
    /// <returns>False when there has been no memory for it in time.</returns>
    public async ValueTask<bool> GrowAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        if (_room > 0)
            return true;
        if (hasOwnPiece && _pieces.Count == 0)
        {
            Add(ArrayPool<byte>.Shared.Rent(FirstLength), FirstLength);
        }
        else if (hasOwnPiece && Length == FirstLength)
        {
            var larger = ArrayPool<byte>.Shared.Rent(PartBuffers.PieceLength);
            _pieces[0].AsSpan(0, Length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_pieces[0]);
            _pieces.Clear();
            Add(larger, PartBuffers.PieceLength - Length);
        }
        else if (await owner.TakeAsync(this, limit, cancellationToken).ConfigureAwait(false))
        {
            Add(owner.Rent(), PartBuffers.PieceLength);
        }
        return _room > 0;
    }

    /// <summary>Takes as much as there is room for.</summary>
    /// <returns>How much.</returns>
    public int Append(ReadOnlySpan<byte> content)
    {
        var taken = Math.Min(content.Length, _room);
        content[..taken].CopyTo(_pieces[^1].AsSpan(Length - ((_pieces.Count - 1) * PartBuffers.PieceLength)));
        Length += taken;
        _room -= taken;
        return taken;
    }

    /// <summary>Its content, which can be read again from the start, as a repeated call needs.</summary>
    public Stream OpenRead() => new PieceStream(_pieces, Length);

    /// <summary>Gives all memory back. It is empty afterwards.</summary>
    public void Return()
    {
        var pieces = CollectionsMarshal.AsSpan(_pieces);
        if (hasOwnPiece && pieces.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(pieces[0]);
            pieces = pieces[1..];
        }
        owner.Return(this, pieces);
        _pieces.Clear();
        (Length, _room) = (0, 0);
    }

    private void Add(byte[] piece, int room)
    {
        _pieces.Add(piece);
        _room = Math.Min(room, owner.Length - Length);
    }
}
