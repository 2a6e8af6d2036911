using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests.Simulation;

/// <summary>What a history allows after a crash.</summary>
public sealed class HistoryTests
{
    private static readonly BlobKey Key = Blobs.Key("k");
    private static readonly Sha256Digest? A = RecordedStore.DigestOf([1]);
    private static readonly Sha256Digest? B = RecordedStore.DigestOf([2]);
    private readonly SimulatedDisk _disk = new("/d");
    private readonly History _history;

    public HistoryTests() => _history = new History(_disk);

    [Fact]
    public void Not_acknowledged_is_there_or_not()
    {
        _history.Attempt(Key, A);
        Allowed(A, null);
    }

    [Fact]
    public void Acknowledged_is_there()
    {
        _history.Acknowledge(_history.Attempt(Key, A));
        Allowed(A);
    }

    [Fact]
    public void A_later_attempt_may_have_replaced_or_removed_what_was_acknowledged()
    {
        _history.Acknowledge(_history.Attempt(Key, A));
        _history.Fail(_history.Attempt(Key, B));
        Allowed(A, B);
        _history.Attempt(Key, null);
        Allowed(A, B, null);
    }

    [Fact]
    public void What_failed_before_an_acknowledged_operation_is_superseded()
    {
        _history.Fail(_history.Attempt(Key, A));
        _history.Acknowledge(_history.Attempt(Key, B));
        Allowed(B);
        _history.Acknowledge(_history.Attempt(Key, null));
        Allowed([null]);
    }

    [Fact]
    public void Of_overlapping_operations_either_may_have_won()
    {
        var one = _history.Attempt(Key, A);
        var other = _history.Attempt(Key, B);
        _history.Acknowledge(other);
        Allowed(A, B);
        _history.Acknowledge(one);
        Allowed(A, B);
    }

    [Fact]
    public void What_was_refused_was_not_asked()
    {
        _history.Refuse(_history.Attempt(Key, A));
        Allowed([null]);
    }

    [Fact]
    public void An_answer_after_the_crash_reached_nobody()
    {
        var put = _history.Attempt(Key, A);
        _disk.Crash();
        _history.Acknowledge(put);
        _history.Acknowledge(_history.Attempt(Key, B));
        Allowed(A, null);
    }

    private void Allowed(params Sha256Digest?[] digests) => _history.Allowed(Key).ShouldBe(digests, ignoreOrder: true);
}
