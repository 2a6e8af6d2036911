namespace EdgeCache.Storage.Local.Index;

/// <summary>A sum (of bytes, or of blobs) a namespace, for any of 65,536 ids; memory only for those near an id in use.</summary>
/// <remarks>Lock-free: a page is put in place once and stays, and each total is only ever added to.</remarks>
internal sealed class NamespaceTotals
{
    private const int PageBits = 6;
    private const int PageSize = 1 << PageBits;
    private readonly long[]?[] _pages = new long[]?[(ushort.MaxValue + 1) >> PageBits];

    public long this[ushort id] => Volatile.Read(ref _pages[id >> PageBits]) is { } page ? Volatile.Read(ref page[id & (PageSize - 1)]) : 0;

    public void Add(ushort id, long bytes)
    {
        ref var place = ref _pages[id >> PageBits];
        var page = Volatile.Read(ref place) ?? MakePage(ref place);
        Interlocked.Add(ref page[id & (PageSize - 1)], bytes);
    }

    private static long[] MakePage(ref long[]? place)
    {
        var made = new long[PageSize];
        return Interlocked.CompareExchange(ref place, made, null) ?? made;
    }
}
