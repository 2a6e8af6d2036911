using EdgeCache.Edge.Delivery;
using EdgeCache.Edge.Protocols;
using EdgeCache.Storage;
using EdgeCache.Storage.Tiering;

namespace EdgeCache.Edge.Purging;

/// <summary>PURGE of a blob, the method that shared caches have made a habit: like the call of an admin for one key, and it waits for the end.</summary>
internal sealed class PurgeHandler(IBlobStore store, PurgeJobs jobs)
{
    public const string Method = "PURGE";

    /// <summary>The field that says how: <c>hard</c>, <c>soft</c> or <c>local</c>.</summary>
    private const string ModeField = "EdgeCache-Purge";

    public async Task HandleAsync(HttpContext context, BlobRequest blob)
    {
        PurgeMode? mode = context.Request.Headers[ModeField].ToString() switch { "" or "hard" => PurgeMode.Hard, "soft" => PurgeMode.Soft, "local" => PurgeMode.Local, _ => null };
        if (mode is not { } known)
        {
            await Problem.WriteAsync(context, StatusCodes.Status400BadRequest, $"{ModeField} must be hard, soft or local.");
            return;
        }
        if (Refuse(store, known) is { } fault)
        {
            await Problem.WriteAsync(context, StatusCodes.Status400BadRequest, fault);
            return;
        }
        if (jobs.Begin(new PurgePlan(blob.Key.Namespace, [blob.Key], null, known, Outward: true, $"the key {blob.Key.Key}"), blob.Principal.Name) is not { } job)
        {
            await PurgeEndpoints.RefuseAsync(context);
            return;
        }
        await job.Completed.WaitAsync(context.RequestAborted);
        await PurgeEndpoints.AnswerAsync(context, job.Report, job.Report.State == "failed" ? StatusCodes.Status502BadGateway : StatusCodes.Status200OK);
    }

    /// <summary>Says what a node without a far store can't do.</summary>
    public static string? Refuse(IBlobStore store, PurgeMode mode) => mode != PurgeMode.Hard && store is not ICopyPurger
        ? "This node has no far store: what it has are no copies, and there is nothing to hold them against. Only a hard purge is possible."
        : null;
}
