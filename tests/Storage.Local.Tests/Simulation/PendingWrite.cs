namespace EdgeCache.Storage.Local.Tests.Simulation;

/// <summary>A part of a write that reaches the disk whole or not at all.</summary>
/// <param name="Start">First byte, counted from the beginning of the write.</param>
/// <param name="Length">Number of bytes; at most a sector.</param>
internal readonly record struct Fragment(int Start, int Length);

/// <summary>A write that no sync has made durable: any of its fragments may be on disk.</summary>
internal sealed class PendingWrite
{
    public const int SectorLength = 512;

    private readonly byte[] _data;

    public PendingWrite(int call, string path, long offset, byte[] data)
        : this(call, path, offset, data, Split(offset, data.Length), abandoned: false)
    {
    }

    private PendingWrite(int call, string path, long offset, byte[] data, IReadOnlyList<Fragment> fragments, bool abandoned)
    {
        Call = call;
        Path = path;
        Offset = offset;
        _data = data;
        Fragments = fragments;
        Abandoned = abandoned;
    }

    public int Call { get; }

    public string Path { get; }

    public long Offset { get; }

    public int Length => _data.Length;

    public long End => Offset + _data.Length;

    /// <summary>Split at the file's sector boundaries, less what later durable writes lie over.</summary>
    public IReadOnlyList<Fragment> Fragments { get; }

    /// <summary>Whether a sync of it has failed: the system has forgotten that it is dirty, and no later sync will write it.</summary>
    public bool Abandoned { get; }

    public PendingWrite Abandon() => new(Call, Path, Offset, _data, Fragments, abandoned: true);

    /// <summary>What is left of it under a later write that has become durable.</summary>
    public PendingWrite Under(PendingWrite later)
    {
        var left = new List<Fragment>();
        foreach (var fragment in Fragments)
        {
            var start = Offset + fragment.Start;
            var end = start + fragment.Length;
            if (later.Offset >= end || later.End <= start)
            {
                left.Add(fragment);
                continue;
            }
            if (later.Offset > start)
                left.Add(fragment with { Length = (int)(later.Offset - start) });
            if (later.End < end)
                left.Add(new Fragment((int)(later.End - Offset), (int)(end - later.End)));
        }
        return new PendingWrite(Call, Path, Offset, _data, left, Abandoned);
    }

    /// <summary>Lays one fragment over a content.</summary>
    public void ApplyTo(ContentBuffer content, Fragment fragment) => content.Write(Offset + fragment.Start, _data.AsSpan(fragment.Start, fragment.Length));

    private static List<Fragment> Split(long offset, int length)
    {
        var fragments = new List<Fragment>();
        for (var start = 0; start < length;)
        {
            var part = (int)Math.Min(length - start, SectorLength - ((offset + start) % SectorLength));
            fragments.Add(new Fragment(start, part));
            start += part;
        }
        return fragments;
    }
}
