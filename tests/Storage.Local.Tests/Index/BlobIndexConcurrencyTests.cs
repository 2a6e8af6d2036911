using EdgeCache.Storage.Local.Index;

namespace EdgeCache.Storage.Local.Tests.Index;

/// <summary>Several threads on few keys: nobody sees half an entry, nothing is counted twice.</summary>
public sealed class BlobIndexConcurrencyTests
{
    private const int Keys = 500;
    private const int Writers = 3;
    private const int Readers = 3;
    private const int OperationsEach = 150_000;
    private readonly BlobIndex _index = new();
    private readonly KeyHash[] _hashes = [.. Enumerable.Range(0, Keys).Select(i => new KeyHash(unchecked((ulong)i * 0x9E3779B97F4A7C15), (ulong)i))];
    private int _torn;

    [Fact]
    public async Task Readers_see_whole_entries_only_and_the_totals_come_out_even()
    {
        var writers = Enumerable.Range(0, Writers).Select(i => Task.Factory.StartNew(() => Write(i), TaskCreationOptions.LongRunning)).ToArray();
        var readers = Enumerable.Range(0, Readers).Select(i => Task.Factory.StartNew(() => Read(i), TaskCreationOptions.LongRunning)).ToArray();
        await Task.WhenAll([.. writers, .. readers]);

        _torn.ShouldBe(0);
        var all = Entries.AllOf(_index);
        all.Count.ShouldBe((int)_index.Count);
        all.DistinctBy(e => e.Hash).Count().ShouldBe(all.Count);
        for (ushort id = 0; id < 1000; id++)
            _index.BytesOf(id).ShouldBe(all.Where(e => e.NamespaceId == id).Sum(e => e.Bytes));
    }

    /// <summary>
    /// A handful of keys in the smallest table: each key that comes or goes moves all stable ones, and one entry is written again and again. The writer
    /// pauses between its changes, so that readers often begin without the lock and are overtaken.
    /// </summary>
    [Fact]
    public async Task What_nobody_removes_is_always_found_whole_while_its_neighbours_come_and_go()
    {
        var stable = Enumerable.Range(0, 8).Select(i => Entries.Of(Crowded(1 + (i / 2), i), 1)).ToArray();
        var rewritten = Crowded(1, 100);
        foreach (var entry in (IndexEntry[])[.. stable, Entries.Of(rewritten, 1)])
            _index.Set(entry);
        var writer = Task.Factory.StartNew(() => ComeAndGo(rewritten), TaskCreationOptions.LongRunning);
        var missed = 0;
        await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Task.Factory.StartNew(Look, TaskCreationOptions.LongRunning)));
        await writer;

        missed.ShouldBe(0);
        _torn.ShouldBe(0);

        void Look()
        {
            for (var i = 0; !writer.IsCompleted; i++)
            {
                var expected = stable[i % stable.Length];
                if (!_index.TryGet(expected.Hash, out var found) || !Entries.AreSame(found, expected) || !_index.TryGet(rewritten, out var now))
                    Interlocked.Increment(ref missed);
                else
                    Judge(now);
            }
        }
    }

    [Fact]
    public async Task Of_all_who_move_one_record_one_wins()
    {
        var entry = Entries.Of(_hashes[1], 1);
        var wins = 0;
        _index.Set(entry);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(worker => Task.Factory.StartNew(() => Move(worker), TaskCreationOptions.LongRunning)));

        wins.ShouldBe(OperationsEach);

        void Move(int worker)
        {
            for (var step = 0u; step < OperationsEach; step++)
            {
                if (_index.TryUpdate(entry.Hash, step + 1, step == 0 ? entry.Offset : step, new MoveTo(step + 2, step + 1)))
                    Interlocked.Increment(ref wins);
                else
                    SpinUntilMoved(step + 1);
            }
        }

        // Somebody else has won this step, or is about to win one before.
        void SpinUntilMoved(uint step)
        {
            while (_index.TryGet(entry.Hash, out var now) && now.Segment <= step)
                Thread.Yield();
        }
    }

    /// <summary>A key of the first shard with a chosen home in its table of 16 slots.</summary>
    private static KeyHash Crowded(int home, int number) => new((ulong)home << 60, (ulong)number);

    private void ComeAndGo(KeyHash rewritten)
    {
        var passing = Enumerable.Range(200, 3).Select(i => Crowded(0, i)).ToArray();
        for (var round = 1u; round < 200_000; round++)
        {
            foreach (var hash in passing)
                Change(() => _index.Set(Entries.Of(hash, 1)));
            Change(() => _index.Set(Entries.Of(rewritten, round)));
            foreach (var hash in passing)
                Change(() => _index.Remove(hash, 1, Entries.Of(hash, 1).Offset, out _));
        }

        static void Change(Action change)
        {
            change();
            Thread.SpinWait(10);
        }
    }

    private void Write(int seed)
    {
        var random = new Random(seed);
        for (var i = 1u; i <= OperationsEach; i++)
        {
            var hash = _hashes[random.Next(Keys)];
            if (random.Next(3) > 0)
                Judge(_index.Set(Entries.Of(hash, (i * Writers) + (uint)seed)));
            else if (_index.TryGet(hash, out var entry) && _index.Remove(hash, entry.Segment, entry.Offset, out var removed))
                Judge(removed);
            if (i % 50_000 == 0)
                _index.Clear();
        }
    }

    private void Read(int seed)
    {
        var random = new Random(-seed - 1);
        for (var i = 0; i < OperationsEach; i++)
        {
            if (_index.TryGetAndTouch(_hashes[random.Next(Keys)], out var entry))
                Judge(entry);
            if (i % 100 > 0)
                continue;
            using var copy = _index.CopyShard(0);
            foreach (var copied in copy.Entries)
                Judge(copied);
        }
    }

    private void Judge(IndexEntry? entry)
    {
        if (entry is { } seen && !Entries.IsWhole(seen))
            Interlocked.Increment(ref _torn);
    }
}
