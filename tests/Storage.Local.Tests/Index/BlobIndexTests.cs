using EdgeCache.Storage.Local.Index;

namespace EdgeCache.Storage.Local.Tests.Index;

public sealed class BlobIndexTests
{
    private static readonly KeyHash Hash = new(1, 2);

    [Fact]
    public void Touching_raises_the_frequency_to_3_and_getting_does_not()
    {
        var index = new BlobIndex();
        index.Set(Entries.Of(Hash, 1)).ShouldBeNull();
        foreach (var expected in (int[])[1, 2, 3, 3])
        {
            index.TryGetAndTouch(Hash, out var touched).ShouldBeTrue();
            ((int)touched.Frequency).ShouldBe(expected);
            index.TryGet(Hash, out var got).ShouldBeTrue();
            ((int)got.Frequency).ShouldBe(expected);
        }
    }

    [Fact]
    public void A_removal_that_was_overtaken_does_nothing_and_shows_what_stays()
    {
        var index = new BlobIndex();
        var old = Entries.Of(Hash, 1);
        var current = Entries.Of(Hash, 2);
        index.Set(old);
        Entries.AreSame(index.Set(current).ShouldNotBeNull(), old).ShouldBeTrue();

        index.Remove(Hash, old.Segment, old.Offset, out var stays).ShouldBeFalse();
        Entries.AreSame(stays, current).ShouldBeTrue();
        index.Remove(Hash, current.Segment, current.Offset, out var removed).ShouldBeTrue();
        Entries.AreSame(removed, current).ShouldBeTrue();
        index.Remove(Hash, current.Segment, current.Offset, out var none).ShouldBeFalse();
        none.IsValid.ShouldBeFalse();
    }

    [Fact]
    public void A_move_costs_one_request_keeps_those_that_came_meanwhile_and_is_only_from_where_the_entry_is()
    {
        var index = new BlobIndex();
        var entry = Entries.Of(Hash, 1) with { Frequency = 1 };
        index.Set(entry);
        // Whoever copies the record has seen a frequency of 1; then somebody asks for it.
        index.TryGetAndTouch(Hash, out _);

        index.TryUpdate(Hash, 1, entry.Offset + 1, new MoveTo(9, 9)).ShouldBeFalse();
        index.TryUpdate(new KeyHash(1, 3), 1, entry.Offset, new MoveTo(9, 9)).ShouldBeFalse();
        index.TryUpdate(Hash, 1, entry.Offset, new MoveTo(9, 10)).ShouldBeTrue();
        index.TryUpdate(Hash, 9, 10, new MarkVerified(7)).ShouldBeTrue();

        index.TryGet(Hash, out var moved).ShouldBeTrue();
        moved.IsAt(9, 10).ShouldBeTrue();
        moved.Flags.HasFlag(EntryFlags.Verified).ShouldBeTrue();
        moved.Tick.ShouldBe(7u);
        moved.Frequency.ShouldBe((byte)1);
        moved.Created.ShouldBe(entry.Created);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_copy_of_a_small_blob_is_verified_again_and_the_file_of_a_large_one_is_the_same_as_before(bool isLarge)
    {
        var index = new BlobIndex();
        var entry = Entries.Of(Hash, 1) with { Flags = isLarge ? EntryFlags.Large : EntryFlags.None };
        index.Set(entry);
        index.TryUpdate(Hash, 1, entry.Offset, new MarkVerified(7)).ShouldBeTrue();
        index.TryUpdate(Hash, 1, entry.Offset, new MoveTo(9, 10)).ShouldBeTrue();
        index.TryUpdate(Hash, 9, 10, new MoveTo(10, 10)).ShouldBeTrue();

        index.TryGet(Hash, out var moved).ShouldBeTrue();
        moved.IsVerified.ShouldBe(isLarge);
        moved.Frequency.ShouldBe((byte)0);
    }

    [Fact]
    public void A_change_that_breaks_the_entry_is_refused_and_nothing_of_it_stays()
    {
        var index = new BlobIndex();
        var entry = Entries.Of(Hash, 1);
        index.Set(entry);

        Should.Throw<InvalidOperationException>(() => index.TryUpdate(Hash, 1, entry.Offset, new Breaking(new KeyHash(7, 7), 1)));
        Should.Throw<InvalidOperationException>(() => index.TryUpdate(Hash, 1, entry.Offset, new Breaking(Hash, 0)));
        Should.Throw<ArgumentException>(() => index.Set(entry with { Length = 0 }));
        Should.Throw<ArgumentException>(() => index.Set(entry with { Frequency = 4 }));

        Entries.AreSame(Entries.AllOf(index).ShouldHaveSingleItem(), entry).ShouldBeTrue();
        index.BytesOf(entry.NamespaceId).ShouldBe(entry.Bytes);
    }

    [Fact]
    public void Totals_follow_every_change_for_the_first_and_the_last_namespace()
    {
        var index = new BlobIndex();
        var entry = Entries.Of(Hash, 1) with { NamespaceId = ushort.MaxValue, Flags = EntryFlags.Large, Length = 10 };
        index.Set(entry);
        index.BytesOf(ushort.MaxValue).ShouldBe(40960);
        index.TryUpdate(Hash, 1, entry.Offset, new Breaking(Hash, 11)).ShouldBeTrue();
        index.BytesOf(ushort.MaxValue).ShouldBe(45056);
        index.Set(entry with { NamespaceId = 0, Flags = EntryFlags.None });
        index.BytesOf(ushort.MaxValue).ShouldBe(0);
        index.BytesOf(0).ShouldBe(10);
        index.Clear();
        index.BytesOf(0).ShouldBe(0);
        index.Count.ShouldBe(0);
    }

    /// <summary>Sets hash and length, whatever they should be.</summary>
    private readonly record struct Breaking(KeyHash Hash, uint Length) : IEntryChange
    {
        public void Apply(ref IndexEntry entry)
        {
            entry.Hash = Hash;
            entry.Length = Length;
        }
    }
}
