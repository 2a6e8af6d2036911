namespace EdgeCache.Edge.Configuration;

/// <summary>A number of bytes, written as a plain number or with a unit: <c>B</c>, <c>KB MB GB TB</c> (powers of 1000), <c>KiB MiB GiB TiB</c> (powers of 1024).</summary>
internal readonly record struct ByteSize(long Bytes)
{
    public static ByteSize FromGiB(long gib) => new(gib << 30);
}
