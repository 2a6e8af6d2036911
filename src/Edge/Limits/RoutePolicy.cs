using System.Threading.RateLimiting;
using EdgeCache.Edge.Access;
using EdgeCache.Edge.Configuration;
using Microsoft.AspNetCore.RateLimiting;

namespace EdgeCache.Edge.Limits;

/// <summary>
/// A configured limit as a rate limiter policy of ASP.NET, which routes of the user's own name in <c>RateLimiterPolicy</c>. The framework keeps a limiter for every partition of a policy, and there is no bound to
/// these; so the decision is made here, in the node's own tables, and the two partitions are only yes and no.
/// </summary>
internal sealed class RoutePolicy(string name) : IRateLimiterPolicy<bool>
{
    public Func<OnRejectedContext, CancellationToken, ValueTask>? OnRejected { get; } = static (rejected, _) => AnswerAsync(rejected.HttpContext);

    /// <summary>Registers the policies of the configuration.</summary>
    public static void AddAll(IServiceCollection services, RateLimitOptions options) => services.AddRateLimiter(limiter =>
    {
        foreach (var name in options.Policies.Keys)
            limiter.AddPolicy(name, new RoutePolicy(name));
    });

    public RateLimitPartition<bool> GetPartition(HttpContext httpContext)
    {
        var services = httpContext.RequestServices;
        var limiter = services.GetRequiredService<RequestLimiter>();
        if (!limiter.IsEnabled)
            return PartitionOf(admitted: true);
        var verdict = limiter.AdmitRoute(name, services.GetRequiredService<ClientAddresses>().Of(httpContext));
        if (!verdict.IsAdmitted)
            httpContext.Features.Set(new Refusal(verdict));
        return PartitionOf(verdict.IsAdmitted);
    }

    private static RateLimitPartition<bool> PartitionOf(bool admitted) => RateLimitPartition.Get(admitted, static yes => (RateLimiter)new Decided(yes));

    private static async ValueTask AnswerAsync(HttpContext context)
    {
        if (context.Features.Get<Refusal>() is { } refusal)
            await context.RequestServices.GetRequiredService<LimitAnswer>().WriteAsync(context, refusal.Verdict);
    }

    private sealed record Refusal(Verdict Verdict);

    /// <summary>Has nothing to decide any more.</summary>
    private sealed class Decided(bool admitted) : RateLimiter
    {
        private readonly Lease _lease = new(admitted);

        public override TimeSpan? IdleDuration => null;

        public override RateLimiterStatistics? GetStatistics() => null;

        protected override RateLimitLease AttemptAcquireCore(int permitCount) => _lease;

        protected override ValueTask<RateLimitLease> AcquireAsyncCore(int permitCount, CancellationToken cancellationToken) => new(_lease);
    }

    private sealed class Lease(bool admitted) : RateLimitLease
    {
        public override bool IsAcquired => admitted;

        public override IEnumerable<string> MetadataNames => [];

        public override bool TryGetMetadata(string metadataName, out object? metadata)
        {
            metadata = null;
            return false;
        }
    }
}
