using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using EdgeCache.Client.Signing;
using EdgeCache.Edge.Access;
using EdgeCache.Edge.Admin;
using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Delivery;
using EdgeCache.Edge.Protocols;

namespace EdgeCache.Edge.Signing;

/// <summary><c>POST /admin/sign</c>: makes a signed address. Whoever asks must be an admin, and may do himself what the address lets others do.</summary>
internal sealed class SignEndpoint(LiveSettings settings, Gatekeeper gatekeeper, TimeProvider time)
{
    /// <summary>Longest call that is read, in bytes.</summary>
    private const int MaxBodyLength = 32 * 1024;

    /// <summary>Writes '&amp;' as it is, so that an address can be taken out of the answer as it stands there.</summary>
    private static readonly SignJson Readable = new(new JsonSerializerOptions(SignJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    public void Map(AdminRoutes admin, IEndpointRouteBuilder app) => admin.Map(app, HttpMethods.Post, "/sign", Scopes.Admin, SignAsync);

    private async Task SignAsync(HttpContext context)
    {
        try
        {
            var text = await JsonAnswer.ReadAsync(context, MaxBodyLength, SignJson.Default.SignText);
            if (text?.Path is not { } path || text.Policy is not { } name)
                throw new SigningException("\"policy\" and \"path\" must be given.");
            if (!settings.Current.SignedUrls.TryGetValue(name, out var policy))
                throw new SigningException($"There is no such policy in {SignedUrlSettings.Section}.");
            var now = time.GetUtcNow();
            var request = SigningTerms.Read(new SigningTexts(path, text.Methods ?? [], text.ValidFor, text.NotBefore, text.Client, text.Under), policy.Lifetime, now);
            var principal = context.Features.Get<Principal>()!;
            if (!IsWithin(principal, request))
            {
                await gatekeeper.RefuseAsync(context, principal, Scopes.Admin);
                return;
            }
            if (request.Expires > principal.Expires)
                throw new SigningException("The address would be good for longer than the credentials that ask for it.");
            var link = policy.Sign(request, now);
            await JsonAnswer.WriteAsync(context, StatusCodes.Status200OK, new SignAnswer(link.Url, link.Expires, link.Cookies.Count == 0 ? null : link.Cookies.ToDictionary(c => c.Key, c => c.Value, StringComparer.Ordinal)), Readable.SignAnswer);
        }
        catch (Exception error) when (error is SigningException or JsonException)
        {
            await Problem.WriteAsync(context, StatusCodes.Status400BadRequest, $"Nothing was signed: {error.Message}");
        }
    }

    /// <summary>Somebody with a narrower reach could otherwise widen it: they sign for paths of blobs within it, one at a time or below one.</summary>
    private bool IsWithin(Principal principal, SigningRequest request)
    {
        if (!principal.Permits(SignatureGrant.ScopesOf(request.Methods)))
            return false;
        if (principal.Reach.IsEverything)
            return true;
        var path = Uri.UnescapeDataString(request.Under ?? SigningRequest.PathOf(request.Target));
        return path.Split('/', 4) switch
        {
            ["", BuiltinRoutes.Artifacts, .. var rest] => principal.Reach.Covers("artifacts", "", string.Join('/', rest)),
            ["", BuiltinRoutes.Cache, var name, var key] => settings.Current.Namespaces.ContainsKey(name) && principal.Reach.Covers(name, "", key),
            _ => false,
        };
    }
}

/// <summary>What <c>POST /admin/sign</c> takes: the flags of <c>edgecache sign</c>.</summary>
internal sealed record SignText(string? Policy, string? Path, string[]? Methods, string? ValidFor, string? NotBefore, string? Client, string? Under);

/// <summary>What it answers.</summary>
/// <param name="Url">The address.</param>
/// <param name="Expires">When its time is over.</param>
/// <param name="Cookies">The same as cookies, for CloudFront.</param>
internal sealed record SignAnswer(string Url, DateTimeOffset Expires, IReadOnlyDictionary<string, string>? Cookies);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, MaxDepth = 4)]
[JsonSerializable(typeof(SignText))]
[JsonSerializable(typeof(SignAnswer))]
internal sealed partial class SignJson : JsonSerializerContext;
