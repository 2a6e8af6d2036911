using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using EdgeCache.Storage.Local.Index;

namespace EdgeCache.Storage.Local.Tests.Index;

public sealed class IndexEntryTests
{
    [Fact]
    public void An_entry_is_40_bytes_and_has_the_frozen_layout()
    {
        Unsafe.SizeOf<IndexEntry>().ShouldBe(IndexEntry.Size);
        var entry = new IndexEntry
        {
            Hash = new KeyHash(0x0706050403020100, 0x0f0e0d0c0b0a0908),
            Segment = 0x13121110,
            Offset = 0x17161514,
            Length = 0x1b1a1918,
            Created = 0x1f1e1d1c,
            Tick = 0x23222120,
            NamespaceId = 0x2524,
            Flags = (EntryFlags)0x26,
            Frequency = 0x27,
        };
        MemoryMarshal.AsBytes(new ReadOnlySpan<IndexEntry>(ref entry)).ToArray().ShouldBe([.. Enumerable.Range(0, 40).Select(i => (byte)i)]);
    }

    [Fact]
    public void A_small_blob_takes_its_record_and_a_large_one_the_space_of_its_file()
    {
        new IndexEntry { Length = 5 }.Bytes.ShouldBe(5);
        new IndexEntry { Length = uint.MaxValue, Flags = EntryFlags.Large }.Bytes.ShouldBe(uint.MaxValue * 4096L);
    }

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(-10, -5, -5)]
    [InlineData(-5, -10, -5)]
    [InlineData(-10, 5, -10)]
    [InlineData(5, -10, -10)]
    public void A_time_that_is_yet_to_come_does_not_say_that_a_blob_is_known_good(int storedDays, int checkedDays, int knownDays)
    {
        var now = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var entry = IndexEntry.Small(new KeyHash(1, 2), 1, 0, 8, 0, now.AddDays(storedDays));
        entry.Tick = IndexEntry.ToMinutes(now.AddDays(checkedDays));
        entry.KnownGoodSeconds(now.ToUnixTimeSeconds()).ShouldBe(now.AddDays(knownDays).ToUnixTimeSeconds());
    }

    [Fact]
    public void A_blob_of_which_no_time_makes_sense_was_never_known_good()
    {
        var now = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        IndexEntry.Small(new KeyHash(1, 2), 1, 0, 8, 0, now.AddDays(1)).KnownGoodSeconds(now.ToUnixTimeSeconds()).ShouldBe(0);
    }
}
