using System.Text.Json;
using EdgeCache.Edge.Access;
using EdgeCache.Edge.Admin;
using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Delivery;
using EdgeCache.Storage;

namespace EdgeCache.Edge.Purging;

/// <summary>The calls about purges: begin one, ask about one or all, cancel one.</summary>
internal sealed class PurgeEndpoints(PurgeJobs jobs, IBlobStore store, LiveSettings settings, Gatekeeper gatekeeper, TimeProvider time)
{
    /// <summary>How long a call waits for the end of what it began; longer ones are asked about.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>Longest text that is read, in bytes: a thousand keys of the longest kind.</summary>
    private const int MaxBodyLength = 640 * 1024;

    public void Map(AdminRoutes admin, IEndpointRouteBuilder app)
    {
        admin.Map(app, HttpMethods.Post, "/purge", Scopes.Purge, BeginAsync);
        admin.Map(app, HttpMethods.Get, "/purge", Scopes.Purge, context => JsonAnswer.WriteAsync(context, StatusCodes.Status200OK, Visible(context), PurgeJson.Default.IReadOnlyListPurgeReport));
        admin.Map(app, HttpMethods.Get, "/purge/{id}", Scopes.Purge, context => WithJobAsync(context, job => AnswerAsync(context, job.Report, StatusCodes.Status200OK)));
        admin.Map(app, HttpMethods.Delete, "/purge/{id}", Scopes.Purge, context => WithJobAsync(context, job => CancelAsync(context, job)));
    }

    public static Task AnswerAsync(HttpContext context, PurgeReport report, int status) => JsonAnswer.WriteAsync(context, status, report, PurgeJson.Default.PurgeReport);

    public static Task RefuseAsync(HttpContext context)
    {
        context.Response.Headers.RetryAfter = "5";
        return Problem.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, $"{PurgeJobs.MaxOpen} purges are under way already. Try again later.");
    }

    private async Task BeginAsync(HttpContext context)
    {
        var principal = context.Features.Get<Principal>()!;
        PurgeText? text;
        try
        {
            text = await JsonAnswer.ReadAsync(context, MaxBodyLength, PurgeJson.Default.PurgeText);
        }
        catch (JsonException error)
        {
            await Problem.WriteAsync(context, StatusCodes.Status400BadRequest, $"The call can't be understood: {error.Message}");
            return;
        }
        if ((PurgePlan.TryRead(text, settings.Current, out var plan) ?? PurgeHandler.Refuse(store, plan.Mode)) is { } fault)
        {
            await Problem.WriteAsync(context, StatusCodes.Status400BadRequest, fault);
            return;
        }
        if (!plan.IsWithin(principal))
        {
            await gatekeeper.RefuseAsync(context, principal, Scopes.Purge);
            return;
        }
        if (jobs.Begin(plan, principal.Name) is not { } job)
        {
            await RefuseAsync(context);
            return;
        }
        await Task.WhenAny(job.Completed, Task.Delay(Patience, time, context.RequestAborted));
        context.Response.Headers.Location = $"{AdminRoutes.Root}/purge/{job.Report.Id}";
        await AnswerAsync(context, job.Report, job.HasEnded ? StatusCodes.Status200OK : StatusCodes.Status202Accepted);
    }

    private static Task CancelAsync(HttpContext context, PurgeJob job)
    {
        job.Cancel();
        return AnswerAsync(context, job.Report, StatusCodes.Status202Accepted);
    }

    /// <summary>A purge that somebody could not have asked for is none of theirs.</summary>
    private Task WithJobAsync(HttpContext context, Func<PurgeJob, Task> work) =>
        context.Request.RouteValues["id"] is string id && jobs.Find(id) is { } job && job.Plan.IsWithin(context.Features.Get<Principal>()!)
            ? work(job)
            : Problem.WriteAsync(context, StatusCodes.Status404NotFound, "No such purge: it has never been, or has been forgotten with a restart or after many others.");

    private IReadOnlyList<PurgeReport> Visible(HttpContext context)
    {
        var principal = context.Features.Get<Principal>()!;
        return [.. jobs.List().Where(r => jobs.Find(r.Id)?.Plan.IsWithin(principal) == true)];
    }
}
