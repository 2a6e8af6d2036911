using System.Net;
using EdgeCache.Edge.Access;
using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Limits;
using Microsoft.Extensions.Time.Testing;

namespace EdgeCache.Edge.Tests.Limits;

/// <summary>A limiter by itself, on a clock that the test moves.</summary>
internal sealed class LimiterFixture
{
    public LimiterFixture(Action<EdgeCacheOptions> configure)
    {
        Live = new LiveSettings(SettingsOf(configure));
        State = new LimitState(Live);
        Clock = new LimitClock(Time);
        Limiter = new RequestLimiter(State, Clock);
    }

    public FakeTimeProvider Time { get; } = new();

    public LiveSettings Live { get; }

    public LimitState State { get; }

    public LimitClock Clock { get; }

    public RequestLimiter Limiter { get; }

    public static ClientAddress Address(string text) => ClientAddress.Of(IPAddress.Parse(text));

    /// <summary>Limits are on, and none is set but what the test sets.</summary>
    public static EdgeSettings SettingsOf(Action<EdgeCacheOptions> configure)
    {
        var options = new EdgeCacheOptions
        {
            RateLimits = { Enabled = true, MaxClients = 4_096, Address = new RateOptions(), AttemptsPerSecond = 0, AttemptBurst = 0 },
        };
        configure(options);
        return new EdgeSettings(options, "secret");
    }

    /// <summary>How many of these requests are let in within a time, if they come evenly.</summary>
    public int Count(int requests, TimeSpan time, Func<Verdict> ask)
    {
        var admitted = 0;
        for (var i = 0; i < requests; i++)
        {
            if (ask().IsAdmitted)
                admitted++;
            Time.Advance(time / requests);
        }
        return admitted;
    }
}
