namespace EdgeCache.Codecs.Pooling;

/// <summary>Native contexts, made when they are needed and kept for the next; how many are kept is bounded, and where it is asked for, how many are in use.</summary>
/// <param name="capacity">Most that are kept.</param>
/// <param name="isStrict">Whether no more than so many may be in use: whoever comes then gets none. For contexts that are large, or held for long.</param>
/// <param name="make">Makes one; null when there is no memory.</param>
internal sealed class ContextPool<T>(int capacity, bool isStrict, Func<T?> make)
    where T : class, IDisposable
{
    // Protects the fields below. Held for an instant; nothing is called while it is held.
    private readonly Lock _lock = new();
    private readonly T?[] _kept = new T?[capacity];
    private int _keptCount;
    private int _rented;

    /// <summary>Takes one.</summary>
    /// <returns><see cref="CodecStatus.Ok"/>, <see cref="CodecStatus.Busy"/> or <see cref="CodecStatus.OutOfMemory"/>.</returns>
    public CodecStatus TryRent(out T? context)
    {
        context = null;
        lock (_lock)
        {
            if (isStrict && _rented == capacity)
                return CodecStatus.Busy;
            _rented++;
            if (_keptCount > 0)
                context = _kept[--_keptCount];
        }
        context ??= make();
        if (context is not null)
            return CodecStatus.Ok;
        lock (_lock)
            _rented--;
        return CodecStatus.OutOfMemory;
    }

    /// <summary>Gives one back.</summary>
    /// <param name="context">The context.</param>
    /// <param name="keep">Whether the next may have it; else it is freed: one that has grown large would keep its memory for nothing.</param>
    public void Return(T context, bool keep)
    {
        lock (_lock)
        {
            _rented--;
            if (keep && _keptCount < capacity)
            {
                _kept[_keptCount++] = context;
                return;
            }
        }
        context.Dispose();
    }
}
