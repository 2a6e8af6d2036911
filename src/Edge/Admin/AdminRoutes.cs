using System.Net.Mime;
using EdgeCache.Edge.Access;
using EdgeCache.Edge.Delivery;
using EdgeCache.Edge.Limits;
using Microsoft.Net.Http.Headers;

namespace EdgeCache.Edge.Admin;

/// <summary>The mark of the endpoints for admins.</summary>
internal sealed class AdminMark
{
    public static AdminMark Instance { get; } = new();
}

/// <summary>
/// What is under <c>/admin</c>, and who may call it: always somebody with a token that allows it, also on a node that asks nobody else for one. A call that changes something needs the
/// content type <c>application/json</c>, which a page in a browser can't send to another site unasked (CSRF). Every call is in the audit log.
/// </summary>
internal sealed class AdminRoutes(Authenticator authenticator, Gatekeeper gatekeeper, AuditLog audit, WorkGate work, LimitAnswer limited)
{
    public const string Root = "/admin";

    /// <summary>Serves a call. The handler finds who makes it as a feature of the type <see cref="Principal"/>.</summary>
    /// <param name="app">Where to.</param>
    /// <param name="method">The method.</param>
    /// <param name="path">The path below <see cref="Root"/>, such as <c>/reputation</c>.</param>
    /// <param name="scope">What whoever calls it must be allowed to.</param>
    /// <param name="handler">What it does.</param>
    /// <param name="takesLong">Whether it is work of which only so much may go on at a time.</param>
    public void Map(IEndpointRouteBuilder app, string method, string path, Scopes scope, RequestDelegate handler, bool takesLong = false)
    {
        // Before every route of the user's, also one that catches all: an admin's call must never be forwarded with its token.
        app.MapMethods(Root + path, [method], context => CallAsync(context, scope, takesLong ? WorkAsync : handler)).WithOrder(int.MinValue).WithMetadata(AdminMark.Instance).WithDisplayName($"{method} {Root}{path}");

        async Task WorkAsync(HttpContext context)
        {
            if (work.Enter() is { IsAdmitted: false } refused)
            {
                await limited.WriteAsync(context, refused);
                return;
            }
            try
            {
                await handler(context);
            }
            finally
            {
                work.Leave();
            }
        }
    }

    private async Task CallAsync(HttpContext context, Scopes scope, RequestDelegate handler)
    {
        context.Response.Headers.CacheControl = "no-store";
        var answer = authenticator.Identify(context);
        if (answer.Principal is not { } principal)
        {
            await gatekeeper.RefuseUnknownAsync(context, answer);
            return;
        }
        Gatekeeper.Accept(context, answer);
        if (!principal.Permits(scope))
        {
            await gatekeeper.RefuseAsync(context, principal, scope);
            return;
        }
        context.Features.Set(principal);
        try
        {
            if (IsSafe(context.Request.Method) || HasJson(context.Request))
                await handler(context);
            else
                await Problem.WriteAsync(context, StatusCodes.Status415UnsupportedMediaType, $"A call that changes something needs the field Content-Type: {MediaTypeNames.Application.Json}.");
        }
        finally
        {
            audit.Called(context, principal);
        }
    }

    private static bool IsSafe(string method) => HttpMethods.IsGet(method) || HttpMethods.IsHead(method);

    private static bool HasJson(HttpRequest request) =>
        MediaTypeHeaderValue.TryParse(request.ContentType, out var type) && type.MediaType.Equals(MediaTypeNames.Application.Json, StringComparison.OrdinalIgnoreCase);
}
