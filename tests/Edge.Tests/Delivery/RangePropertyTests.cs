using EdgeCache.Edge.Delivery;
using EdgeCache.Storage;
using FsCheck;
using FsCheck.Fluent;

namespace EdgeCache.Edge.Tests.Delivery;

public sealed class RangePropertyTests
{
    [Fact]
    public void A_range_from_first_to_last_is_the_slice_of_those_bytes() =>
        Prop.ForAll(Three(), numbers =>
        {
            var (length, first, last) = numbers;
            var result = RangeHeader.Resolve($"bytes={first}-{last}", length, out var range);
            var expected = Enumerable.Range(0, length).Where(i => i >= first && i <= last).ToList();
            return last < first ? result == RangeResult.Malformed
                : expected.Count == 0 ? result == RangeResult.Unsatisfiable
                : result == RangeResult.Part && range == new ByteRange(expected[0], expected.Count);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_suffix_is_the_last_bytes_and_an_open_end_the_rest() =>
        Prop.ForAll(Three(), numbers =>
        {
            var (length, count, _) = numbers;
            var all = Enumerable.Range(0, length).ToList();
            return Is(RangeHeader.Resolve($"bytes=-{count}", length, out var suffix), suffix, all.TakeLast(count))
                && Is(RangeHeader.Resolve($"bytes={count}-", length, out var rest), rest, all.Skip(count));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Any_text_gets_an_answer_within_the_content() =>
        Prop.ForAll(ArbMap.Default.ArbFor<NonNull<string>>(), text =>
        {
            var result = RangeHeader.Resolve("bytes=" + text.Get, 100, out var range);
            return result != RangeResult.Part || (range.Offset >= 0 && range.Length > 0 && range.Offset + range.Length <= 100);
        }).QuickCheckThrowOnFailure();

    private static bool Is(RangeResult result, ByteRange range, IEnumerable<int> expected)
    {
        var bytes = expected.ToList();
        return bytes.Count == 0 ? result == RangeResult.Unsatisfiable : result == RangeResult.Part && range == new ByteRange(bytes[0], bytes.Count);
    }

    private static Arbitrary<(int Length, int First, int Last)> Three() =>
        Gen.Choose(0, 40).Three().Select(t => (t.Item1, t.Item2, t.Item3)).ToArbitrary();
}
