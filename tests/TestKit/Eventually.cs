namespace EdgeCache.TestKit;

/// <summary>Waits for something that only another process can tell: asks again and again, for a bounded time. Never for what can be awaited.</summary>
public static class Eventually
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Returns when the question is answered with true; throws when that has not happened in time.</summary>
    public static Task TrueAsync(Func<bool> question, TimeSpan limit, string what) => TrueAsync(() => Task.FromResult(question()), limit, what);

    /// <inheritdoc cref="TrueAsync(Func{bool}, TimeSpan, string)"/>
    public static async Task TrueAsync(Func<Task<bool>> question, TimeSpan limit, string what)
    {
        using var timer = new PeriodicTimer(Pause, TimeProvider.System);
        var began = TimeProvider.System.GetTimestamp();
        while (!await question())
        {
            if (TimeProvider.System.GetElapsedTime(began) > limit)
                throw new TimeoutException($"Not within {limit.TotalSeconds:0.#} s: {what}.");
            await timer.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }
    }

    /// <summary>
    /// Lets real time pass where the thing to show is that nothing happens in it. The test fails as soon as <paramref name="still"/> is false.
    /// </summary>
    public static async Task StaysAsync(Func<bool> still, TimeSpan time, string what)
    {
        using var timer = new PeriodicTimer(Pause, TimeProvider.System);
        var began = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(began) < time)
        {
            if (!still())
                throw new InvalidOperationException($"Not for {time.TotalSeconds:0.#} s: {what}.");
            await timer.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }
    }
}
