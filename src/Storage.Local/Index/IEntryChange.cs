namespace EdgeCache.Storage.Local.Index;

/// <summary>
/// A change of an entry in place. A struct, so that it costs no allocation and no indirect call. Runs under the shard's lock: it must neither wait nor
/// use the index, and must leave the hash as it is.
/// </summary>
internal interface IEntryChange
{
    void Apply(ref IndexEntry entry);
}

/// <summary>The record was copied to another place, which costs it one of its frequency. What was read there is not what is here: it has to be verified again, but for a file.</summary>
internal readonly record struct MoveTo(uint Segment, uint Offset) : IEntryChange
{
    public void Apply(ref IndexEntry entry)
    {
        entry.Segment = Segment;
        entry.Offset = Offset;
        default(CountDown).Apply(ref entry);
        if (!entry.IsLarge)
            entry.Flags &= ~EntryFlags.Verified;
    }
}

/// <summary>The content was held against its checksums and is good.</summary>
/// <param name="Tick">When, as <see cref="IndexEntry.Tick"/> has it.</param>
internal readonly record struct MarkVerified(uint Tick) : IEntryChange
{
    public void Apply(ref IndexEntry entry)
    {
        entry.Flags |= EntryFlags.Verified;
        entry.Tick = Tick;
    }
}

/// <summary>The blob was judged once more.</summary>
internal readonly record struct CountDown : IEntryChange
{
    public void Apply(ref IndexEntry entry) => entry.Frequency = (byte)Math.Max(0, entry.Frequency - 1);
}

/// <summary>The blob must not go now: it counts as asked for, so that others are looked at first.</summary>
internal readonly record struct CountPinned : IEntryChange
{
    public void Apply(ref IndexEntry entry) => entry.Frequency = Math.Max((byte)1, entry.Frequency);
}
