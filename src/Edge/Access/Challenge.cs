using EdgeCache.Edge.Delivery;

namespace EdgeCache.Edge.Access;

/// <summary>The answers to somebody who may not. The one for bad credentials is the same for missing, wrong and expired ones.</summary>
internal static class Challenge
{
    /// <summary>401 with the ways in which credentials can be sent (RFC 9110, section 11.6.1).</summary>
    public static Task WriteUnknownAsync(HttpContext context)
    {
        context.Response.Headers.WWWAuthenticate = new(["Bearer realm=\"EdgeCache\"", "Basic realm=\"EdgeCache\", charset=\"UTF-8\""]);
        return Problem.WriteAsync(context, StatusCodes.Status401Unauthorized, "A valid access token is needed, as a bearer token or as the password of basic authentication.");
    }

    /// <summary>403: it is known who they are, and they may not.</summary>
    public static Task WriteForbiddenAsync(HttpContext context, string detail) => Problem.WriteAsync(context, StatusCodes.Status403Forbidden, detail);
}
