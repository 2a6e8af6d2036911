using EdgeCache.Edge.Limits;

namespace EdgeCache.Edge.Tests.Limits;

public sealed class GcraTests
{
    private const long Second = 1_000_000_000;
    private const long Millisecond = 1_000_000;

    [Theory]
    [InlineData(10, 20, 1)]
    [InlineData(100, 100, 1)]
    [InlineData(1_000, 1, 1)]
    [InlineData(2_000, 20_000, 3)]
    [InlineData(333, 50, 7)]
    public void In_a_minute_rate_and_burst_are_let_in(int rate, int burst, int perMillisecond)
    {
        var quota = Quota.Of("test", new Rate(rate, burst, 0));
        var full = 0L;
        var admitted = 0;
        for (var now = Second; now < 61 * Second; now += Millisecond)
        {
            for (var i = 0; i < perMillisecond; i++)
            {
                if (Gcra.TryTake(ref full, now, quota.Interval, quota.Tolerance, out _))
                    admitted++;
            }
        }

        var wanted = Math.Min((rate * 60) + burst, perMillisecond * 60_000);
        ((double)admitted).ShouldBe(wanted, wanted * 0.01);
    }

    [Fact]
    public void Somebody_idle_may_have_the_burst_at_once_and_is_told_when_there_is_more()
    {
        var quota = Quota.Of("test", new Rate(4, 3, 0));
        var full = 0L;
        for (var i = 0; i < 3; i++)
            Gcra.TryTake(ref full, Second, quota.Interval, quota.Tolerance, out _).ShouldBeTrue();
        Gcra.TryTake(ref full, Second, quota.Interval, quota.Tolerance, out var wait).ShouldBeFalse();
        wait.ShouldBe(Second / 4);
        Gcra.TryTake(ref full, Second + wait - 1, quota.Interval, quota.Tolerance, out _).ShouldBeFalse();
        Gcra.TryTake(ref full, Second + wait, quota.Interval, quota.Tolerance, out _).ShouldBeTrue();
    }

    [Fact]
    public void What_is_given_back_can_be_taken_again()
    {
        var quota = Quota.Of("test", new Rate(1, 1, 0));
        var full = 0L;
        Gcra.TryTake(ref full, Second, quota.Interval, quota.Tolerance, out _).ShouldBeTrue();
        Gcra.Refund(ref full, quota.Interval);
        Gcra.TryTake(ref full, Second, quota.Interval, quota.Tolerance, out _).ShouldBeTrue();
        Gcra.TryTake(ref full, Second, quota.Interval, quota.Tolerance, out _).ShouldBeFalse();
    }

    [Fact]
    public void What_is_owed_has_a_bound_and_is_never_lessened_by_owing_more()
    {
        var full = 0L;
        Gcra.Charge(ref full, Second, 5 * Second, mostOwed: 10 * Second);
        full.ShouldBe(6 * Second);
        Gcra.Charge(ref full, Second, 50 * Second, mostOwed: 10 * Second);
        full.ShouldBe(11 * Second);
        Gcra.Charge(ref full, Second, Second, mostOwed: 2 * Second);
        full.ShouldBe(11 * Second);
    }

    [Fact]
    public void Two_threads_together_get_no_more_than_one()
    {
        const int Burst = 100_000;
        var quota = Quota.Of("test", new Rate(1, Burst, 0));
        var bucket = new Bucket();
        var admitted = 0;
        Parallel.For(0, 2, _ =>
        {
            for (var i = 0; i < Burst; i++)
            {
                if (Gcra.TryTake(ref bucket.Requests, Second, quota.Interval, quota.Tolerance, out var _))
                    Interlocked.Increment(ref admitted);
            }
        });
        admitted.ShouldBe(Burst);
    }
}
