using EdgeCache.Edge.Limits;

namespace EdgeCache.Edge.Tests.Limits;

public sealed class DemeritTests
{
    private const long Second = 1_000_000_000;
    private const long Recovery = 600 * Second;

    [Fact]
    public void They_go_away_as_time_goes_on()
    {
        var word = 0L;
        Demerits.Add(ref word, Demerits.Most, 10 * Second, Recovery);
        Demerits.At(word, 10 * Second, Recovery).ShouldBe(Demerits.Most);
        ((double)Demerits.At(word, 310 * Second, Recovery)).ShouldBe(Demerits.Most / 2, 10);
        Demerits.At(word, 610 * Second, Recovery).ShouldBe(0);
        Demerits.Add(ref word, 0, 610 * Second, Recovery);
        Demerits.AreAny(word).ShouldBeFalse();
    }

    [Fact]
    public void A_few_slips_take_nothing_from_the_limits_and_many_most_of_it()
    {
        Demerits.ShareOf(100_000).ShouldBe(1);
        Demerits.ShareOf(450_000).ShouldBe(0.5, 0.01);
        Demerits.ShareOf(799_999).ShouldBe(0.1);
        Demerits.ShareOf(Demerits.Most).ShouldBe(0.1);
    }

    [Fact]
    public void A_lock_out_ends_after_a_fifth_of_the_recovery_at_the_latest()
    {
        Demerits.LockOutOf(Demerits.Floor - 1, Recovery).ShouldBe(0);
        var longest = Demerits.LockOutOf(Demerits.Most, Recovery);
        ((double)longest).ShouldBe(0.2 * Recovery, 0.001 * Recovery);
        var word = 0L;
        Demerits.Add(ref word, 10 * Demerits.Most, Second, Recovery);
        Demerits.LockOutOf(Demerits.At(word, Second + longest, Recovery), Recovery).ShouldBe(0);
    }
}
