namespace EdgeCache.Edge.Access;

/// <summary>Refuses: answers, writes the audit log, counts.</summary>
internal sealed class Gatekeeper(AuditLog audit, AccessMetrics metrics)
{
    /// <summary>Somebody has not said who they are, or not believably.</summary>
    /// <param name="context">The request.</param>
    /// <param name="wrong">Whether there were credentials.</param>
    public Task RefuseUnknownAsync(HttpContext context, bool wrong)
    {
        metrics.RecordDenied(wrong ? Denial.Refused : Denial.Missing);
        audit.Denied(context, null, StatusCodes.Status401Unauthorized, wrong ? "wrong credentials" : "no credentials");
        return Challenge.WriteUnknownAsync(context);
    }

    /// <summary>Somebody may not do this here. Somebody without a name is asked for it.</summary>
    public Task RefuseAsync(HttpContext context, Principal principal, Scopes scope)
    {
        if (principal.IsAnonymous)
            return RefuseUnknownAsync(context, wrong: false);
        var what = scope == Scopes.None ? "do this" : string.Join(", ", ScopeNames.Of(scope));
        metrics.RecordDenied(Denial.Forbidden);
        audit.Denied(context, principal, StatusCodes.Status403Forbidden, $"may not {what} here");
        return Challenge.WriteForbiddenAsync(context, $"The credentials are good, but they do not allow to {what} here.");
    }
}
