namespace EdgeCache.Edge.Limits;

/// <summary>A rate, made ready for <see cref="Gcra"/>: how long a bucket takes to get back a request or a byte, and how much it holds.</summary>
internal sealed class Quota
{
    private const double NanosecondsPerSecond = 1e9;

    /// <summary>No limit of any kind.</summary>
    public static Quota None { get; } = new() { Name = "none" };

    /// <summary>The name of the limit in answers and metrics.</summary>
    public required string Name { get; init; }

    /// <summary>Time that gives back one request, in nanoseconds; 0 where requests are not limited.</summary>
    public long Interval { get; init; }

    /// <summary>Time that fills an empty bucket of requests, in nanoseconds.</summary>
    public long Tolerance { get; init; }

    /// <summary>Requests that a full bucket has.</summary>
    public long Burst { get; init; }

    /// <summary>Time that gives back one byte, in nanoseconds; 0 where bytes are not limited.</summary>
    public double IntervalPerByte { get; init; }

    /// <summary>Bytes a second.</summary>
    public long BytesPerSecond { get; init; }

    public bool LimitsRequests => Interval > 0;

    public bool LimitsBytes => IntervalPerByte > 0;

    public bool IsNone => !LimitsRequests && !LimitsBytes;

    public static Quota Of(string name, Rate rate)
    {
        var interval = rate.RequestsPerSecond == 0 ? 0 : Math.Max(1, (long)Math.Round(NanosecondsPerSecond / rate.RequestsPerSecond));
        var burst = rate.Burst == 0 ? Math.Max(1, rate.RequestsPerSecond) : rate.Burst;
        return new Quota
        {
            Name = name,
            Interval = interval,
            Burst = burst,
            Tolerance = interval * burst,
            IntervalPerByte = rate.BytesPerSecond == 0 ? 0 : NanosecondsPerSecond / rate.BytesPerSecond,
            BytesPerSecond = rate.BytesPerSecond,
        };
    }

    /// <summary>What bytes take out of a bucket, in nanoseconds.</summary>
    public long CostOf(long bytes) => (long)(bytes * IntervalPerByte);
}
