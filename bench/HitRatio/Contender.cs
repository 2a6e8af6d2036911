using EdgeCache.Bench.HitRatio.Policies;
using EdgeCache.Bench.HitRatio.Traces;

namespace EdgeCache.Bench.HitRatio;

/// <summary>A policy with its parameters, as a row of the tables.</summary>
internal sealed record Contender(string Name, Func<Trace, long, Policy> Create)
{
    public const string Lru = "LRU";
    public const string Belady = "Belady";

    private static readonly SegmentedOptions Default = new();
    private static readonly SegmentedOptions Recommended = Default with { Ghosts = 0.5, StayAbove = 0.75 };

    public static IReadOnlyList<Contender> All { get; } =
    [
        new(Belady, (trace, capacity) => new Belady(trace, capacity)),
        new(Lru, (trace, capacity) => new Lru(trace, capacity)),
        new("FIFO", (trace, capacity) => new Fifo(trace, capacity)),
        new("CLOCK", (trace, capacity) => new Clock(trace, capacity)),
        new("SIEVE", (trace, capacity) => new Sieve(trace, capacity)),
        new("W-TinyLFU", (trace, capacity) => new WTinyLfu(trace, capacity)),
        new("S3-FIFO, promote at 2", (trace, capacity) => new S3Fifo(trace, capacity, promoteAt: 2)),
        new("S3-FIFO, promote at 1", (trace, capacity) => new S3Fifo(trace, capacity, promoteAt: 1)),
        Segmented("segmented", Default),
        Segmented("· 16 segments", Default with { Segments = 16 }),
        Segmented("· 64 segments", Default with { Segments = 64 }),
        Segmented("· 1024 segments", Default with { Segments = 1024 }),
        Segmented("· probation 5 %", Default with { Probation = 0.05 }),
        Segmented("· probation 20 %", Default with { Probation = 0.2 }),
        Segmented("· reads to 1", Default with { MostReads = 1 }),
        Segmented("· reads to 2", Default with { MostReads = 2 }),
        Segmented("· no ghosts", Default with { Ghosts = 0 }),
        Segmented("· ghosts × 0.25", Default with { Ghosts = 0.25 }),
        Segmented("· ghosts × 0.5", Default with { Ghosts = 0.5 }),
        Segmented("· ghosts × 4", Default with { Ghosts = 4 }),
        Segmented("· promote at 2", Default with { PromoteAt = 2 }),
        Segmented("· reads kept", Default with { KeepReads = true }),
        Segmented("· stay above 90 %", Default with { StayAbove = 0.9 }),
        Segmented("· stay above 75 %", Default with { StayAbove = 0.75 }),
        Segmented("· stay above 50 %", Default with { StayAbove = 0.5 }),
        Segmented("· one log, reads to 1", Default with { Probation = 0, MostReads = 1, Ghosts = 0 }),
        Segmented("· one log, reads to 3", Default with { Probation = 0, Ghosts = 0 }),
        Segmented("recommended", Recommended),
        Segmented("· with 16 segments", Recommended with { Segments = 16 }),
        Segmented("· with 64 segments", Recommended with { Segments = 64 }),
        Segmented("· with 1024 segments", Recommended with { Segments = 1024 }),
        Segmented("· with probation 5 %", Recommended with { Probation = 0.05 }),
        Segmented("· with probation 20 %", Recommended with { Probation = 0.2 }),
        Segmented("· with reads to 1", Recommended with { MostReads = 1 }),
        Segmented("· with reads to 2", Recommended with { MostReads = 2 }),
        Segmented("· with ghosts × 1", Recommended with { Ghosts = 1 }),
        Segmented("· with no ghosts", Recommended with { Ghosts = 0 }),
    ];

    private static Contender Segmented(string name, SegmentedOptions options) =>
        new(name, (trace, capacity) => new SegmentedS3Fifo(trace, capacity, options));
}
