using EdgeCache.Storage.Local.Index;

namespace EdgeCache.Storage.Local.Tests.Index;

/// <summary>The index does what a dictionary does, also where hashes crowd together, tables grow, shrink and wrap.</summary>
public sealed class BlobIndexModelTests
{
    private const int Operations = 100_000;
    private readonly BlobIndex _index = new();
    private readonly Dictionary<KeyHash, IndexEntry> _model = [];

    public enum Hashes
    {
        Uniform,

        /// <summary>All in one shard, with homes around the table's end.</summary>
        AroundTheEnd,

        /// <summary>All in one shard with one home: every look-up is a walk.</summary>
        OneHome,

        /// <summary>All in one shard, in runs.</summary>
        Runs,
    }

    [Theory]
    [InlineData(Hashes.Uniform, 30_000, 1)]
    [InlineData(Hashes.Uniform, 300_000, 2)]
    [InlineData(Hashes.AroundTheEnd, 300, 3)]
    [InlineData(Hashes.OneHome, 200, 4)]
    [InlineData(Hashes.Runs, 2_000, 5)]
    public void Random_operations_have_the_results_of_a_dictionary(Hashes kind, int keys, int seed)
    {
        var random = new Random(seed);
        for (var i = 0u; i < Operations; i++)
        {
            // Mostly growth, then mostly removal, and again: the tables grow and shrink.
            var removals = i / (Operations / 4) % 2 == 0 ? 2 : 7;
            var hash = Make(kind, random.Next(keys));
            Step(random.Next(10) < removals ? 0 : random.Next(1, 5), hash, i + 1, random);
            if (i % 20_000 == 0)
                CheckAll();
        }
        CheckAll();
        foreach (var entry in _model.Values)
            _index.Remove(entry.Hash, entry.Segment, entry.Offset, out _).ShouldBeTrue();
        _model.Clear();
        CheckAll();
    }

    private void Step(int operation, KeyHash hash, uint version, Random random)
    {
        var isThere = _model.TryGetValue(hash, out var expected);
        switch (operation)
        {
            case 0:
                // One in eight names another place than the entry's.
                var place = random.Next(8) == 0 ? expected.Offset + 1 : expected.Offset;
                Check(_index.Remove(hash, expected.Segment, place, out var removed) == (isThere && place == expected.Offset && _model.Remove(hash)));
                Check(!isThere || Entries.AreSame(removed, expected));
                break;
            case 1:
                Check(_index.TryGetAndTouch(hash, out var touched) == isThere);
                if (!isThere)
                    break;
                expected.Frequency = (byte)Math.Min(3, expected.Frequency + 1);
                Check(Entries.AreSame(touched, expected));
                _model[hash] = expected;
                break;
            case 2:
                Check(_index.TryUpdate(hash, expected.Segment, expected.Offset, new MoveTo(version, version)) == isThere);
                if (isThere)
                {
                    _model[hash] = expected with
                    {
                        Segment = version,
                        Offset = version,
                        Frequency = (byte)Math.Max(0, expected.Frequency - 1),
                        Flags = expected.IsLarge ? expected.Flags : expected.Flags & ~EntryFlags.Verified,
                    };
                }
                break;
            default:
                var entry = Entries.Of(hash, version);
                var replaced = _index.Set(entry);
                Check(replaced.HasValue == isThere && (!isThere || Entries.AreSame(replaced!.Value, expected)));
                _model[hash] = entry;
                break;
        }
        Check(_index.TryGet(hash, out var got) == _model.TryGetValue(hash, out var now) && Entries.AreSame(got, now));
    }

    private void CheckAll()
    {
        _index.Count.ShouldBe(_model.Count);
        var all = Entries.AllOf(_index);
        all.Count.ShouldBe(_model.Count);
        all.ShouldAllBe(e => Entries.AreSame(e, _model[e.Hash]));
        foreach (var (hash, entry) in _model)
            Check(_index.TryGet(hash, out var found) && Entries.AreSame(found, entry));
        for (var id = 0; id <= ushort.MaxValue; id += id < 1000 ? 1 : 997)
            Check(id >= 1000 ? _index.BytesOf((ushort)id) == 0 : true);
        var totals = new long[1000];
        foreach (var entry in _model.Values)
            totals[entry.NamespaceId] += entry.Bytes;
        for (var id = 0; id < totals.Length; id++)
            Check(_index.BytesOf((ushort)id) == totals[id]);
    }

    /// <summary>Shouldly builds messages; this runs a million times.</summary>
    private static void Check(bool condition)
    {
        if (!condition)
            Assert.Fail("The index and the dictionary differ.");
    }

    private static KeyHash Make(Hashes kind, int key)
    {
        var mixed = unchecked((ulong)(key + 1) * 0x9E3779B97F4A7C15);
        return kind switch
        {
            Hashes.Uniform => new KeyHash(mixed, mixed * 31),
            Hashes.AroundTheEnd => new KeyHash(ulong.MaxValue - (ulong)(key % 7), (ulong)key),
            Hashes.OneHome => new KeyHash(0, (ulong)key),
            _ => new KeyHash((mixed & (7UL << 61)) + (ulong)(key % 50), (ulong)key),
        };
    }
}
