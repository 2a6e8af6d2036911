using System.Buffers;

namespace EdgeCache.Storage.S3;

/// <summary>
/// The memory of all uploads of a store: a fixed number of pieces, handed round. A part takes them one by one as its content comes, so an upload whose client is slow holds what it
/// has got and no more. The pieces of one part are kept apart for whoever finds no other: one at a time, who with them can end his part whatever the others do.
/// </summary>
internal sealed class PartBuffers(int length, int count)
{
    /// <summary>Length of a piece in bytes.</summary>
    public const int PieceLength = 256 * 1024;

    private readonly Lock _lock = new(); // Protects the fields below, and how many pieces each part has. Held for an instant.
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

    /// <summary>Takes back what a part had.</summary>
    public void Return(PartBuffer part)
    {
        lock (_lock)
        {
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
            Add(ArrayPool<byte>.Shared.Rent(PartBuffers.PieceLength), PartBuffers.PieceLength);
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
        foreach (var piece in _pieces)
            ArrayPool<byte>.Shared.Return(piece);
        _pieces.Clear();
        (Length, _room) = (0, 0);
        owner.Return(this);
    }

    private void Add(byte[] piece, int room)
    {
        _pieces.Add(piece);
        _room = Math.Min(room, owner.Length - Length);
    }
}
