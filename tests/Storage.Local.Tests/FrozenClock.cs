namespace EdgeCache.Storage.Local.Tests;

/// <summary>A clock whose time of day stands still while its timers run: two runs of a scenario write the same bytes, so that a state which was verified once is known again.</summary>
internal sealed class FrozenClock(TimeSpan after) : TimeProvider
{
    /// <summary>For a store that is opened on what a crash left: later than all that came before it.</summary>
    public static readonly TimeSpan AfterTheCrash = TimeSpan.FromHours(1);

    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override DateTimeOffset GetUtcNow() => Start + after;
}
