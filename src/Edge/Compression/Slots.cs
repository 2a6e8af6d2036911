namespace EdgeCache.Edge.Compression;

/// <summary>A number of places, of which one is taken at once or not at all.</summary>
internal sealed class Slots(int count)
{
    private int _free = count;

    public bool TryTake()
    {
        if (Interlocked.Decrement(ref _free) >= 0)
            return true;
        Interlocked.Increment(ref _free);
        return false;
    }

    public void Return() => Interlocked.Increment(ref _free);
}
