using System.Text.Json;
using System.Text.Json.Serialization;
using EdgeCache.Edge.Access;
using EdgeCache.Edge.Delivery;
using EdgeCache.Edge.Limits;

namespace EdgeCache.Edge.Admin;

/// <summary>How a client stands.</summary>
/// <param name="Name">The address, or the name of the principal.</param>
/// <param name="Score">1 is good, 0 the worst there is.</param>
/// <param name="LockedOutSeconds">For how long it is still locked out; 0 when it is not.</param>
internal sealed record StandingAnswer(string Name, double Score, double LockedOutSeconds);

/// <summary>Everybody who does not stand well, the worst first.</summary>
/// <param name="Addresses">Addresses, and networks of IPv6.</param>
/// <param name="Principals">Holders of tokens.</param>
internal sealed record ReputationAnswer(IEnumerable<StandingAnswer> Addresses, IEnumerable<StandingAnswer> Principals);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ReputationAnswer))]
internal sealed partial class ReputationJson : JsonSerializerContext;

/// <summary>Lets an admin see the reputation of clients, and make it good again.</summary>
internal sealed class ReputationCalls(AdminRoutes routes, Reputation reputation, TokenDirectory tokens)
{
    private const string Path = "/reputation";
    private const double NanosecondsPerSecond = 1e9;

    public void Map(IEndpointRouteBuilder app)
    {
        routes.Map(app, HttpMethods.Get, Path, Scopes.Admin, ShowAsync, takesLong: true);
        routes.Map(app, HttpMethods.Delete, Path, Scopes.Admin, ForgiveAllAsync, takesLong: true);
        routes.Map(app, HttpMethods.Delete, Path + "/addresses/{**address}", Scopes.Admin, ForgiveAddressAsync);
        routes.Map(app, HttpMethods.Delete, Path + "/principals/{name}", Scopes.Admin, ForgivePrincipalAsync);
    }

    private Task ShowAsync(HttpContext context)
    {
        var answer = new ReputationAnswer(reputation.WorstAddresses().Select(AnswerOf), reputation.WorstOf(tokens.Current.Principals).Select(AnswerOf));
        var json = JsonSerializer.SerializeToUtf8Bytes(answer, ReputationJson.Default.ReputationAnswer);
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = json.Length;
        return context.Response.Body.WriteAsync(json, context.RequestAborted).AsTask();
    }

    private Task ForgiveAllAsync(HttpContext context)
    {
        reputation.ForgiveAll();
        return DoneAsync(context);
    }

    private Task ForgiveAddressAsync(HttpContext context)
    {
        if (!ClientAddress.TryParse(context.Request.RouteValues["address"] as string ?? "", out var address))
            return Problem.WriteAsync(context, StatusCodes.Status400BadRequest, "The path ends in an address, such as 192.0.2.1 or 2001:db8::1.");
        reputation.Forgive(address);
        return DoneAsync(context);
    }

    private Task ForgivePrincipalAsync(HttpContext context)
    {
        var name = context.Request.RouteValues["name"] as string;
        if (tokens.Current.Principals.FirstOrDefault(p => p.Name == name) is not { } principal)
            return Problem.WriteAsync(context, StatusCodes.Status404NotFound, "There is no token of this name.");
        reputation.Forgive(principal);
        return DoneAsync(context);
    }

    private static Task DoneAsync(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private static StandingAnswer AnswerOf(Standing standing) =>
        new(standing.Client, Math.Round(1 - ((double)standing.Points / Demerits.Most), 3), Math.Round(standing.LockOut / NanosecondsPerSecond, 1));
}
