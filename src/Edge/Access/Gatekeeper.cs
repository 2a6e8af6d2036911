using EdgeCache.Edge.Limits;

namespace EdgeCache.Edge.Access;

/// <summary>Lets in or refuses: answers, writes the audit log, counts, and tells the limits what came of a try at credentials.</summary>
internal sealed class Gatekeeper(AuditLog audit, AccessMetrics metrics, Reputation reputation, RequestLimiter limiter, ClientAddresses addresses, LimitState state, TimeProvider time)
{
    /// <summary>Most answers that are held back at a time; beyond that they are given at once, and the limits have to do.</summary>
    private const int MaxHeld = 256;

    private int _held;

    /// <summary>Somebody has said who they are, and it was true: that was no try.</summary>
    public static void Accept(HttpContext context, CredentialAnswer answer)
    {
        if (!answer.IsRepeated)
            context.Features.Get<Attempt>()?.Return();
    }

    /// <summary>Somebody has not said who they are, or not believably.</summary>
    public Task RefuseUnknownAsync(HttpContext context, CredentialAnswer answer)
    {
        metrics.RecordDenied(answer.IsRefused ? Denial.Refused : Denial.Missing);
        audit.Denied(context, null, StatusCodes.Status401Unauthorized, answer.IsRefused ? "wrong credentials" : "no credentials");
        if (!answer.IsRefused || !limiter.IsEnabled)
            return Challenge.WriteUnknownAsync(context);
        var address = addresses.Of(context);
        var badness = reputation.BadnessOf(address);
        if (!answer.IsRepeated && reputation.ReportWrongCredentials(context))
            context.Features.Get<Attempt>()?.Keep();
        return badness > 0 && state.Plan.MaxDelay > TimeSpan.Zero ? RefuseLaterAsync(context, badness * state.Plan.MaxDelay) : Challenge.WriteUnknownAsync(context);
    }

    /// <summary>Somebody may not do this here. Somebody without a name is asked for it.</summary>
    public Task RefuseAsync(HttpContext context, Principal principal, Scopes scope)
    {
        if (principal.IsAnonymous)
            return RefuseUnknownAsync(context, CredentialAnswer.None);
        var what = scope == Scopes.None ? "do this" : string.Join(", ", ScopeNames.Of(scope));
        metrics.RecordDenied(Denial.Forbidden);
        audit.Denied(context, principal, StatusCodes.Status403Forbidden, $"may not {what} here");
        return Challenge.WriteForbiddenAsync(context, $"The credentials are good, but they do not allow to {what} here.");
    }

    private async Task RefuseLaterAsync(HttpContext context, TimeSpan delay)
    {
        try
        {
            if (Interlocked.Increment(ref _held) <= MaxHeld)
                await Task.Delay(delay, time, context.RequestAborted);
        }
        finally
        {
            Interlocked.Decrement(ref _held);
        }
        await Challenge.WriteUnknownAsync(context);
    }
}
