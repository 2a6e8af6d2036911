using System.Globalization;
using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Delivery;
using EdgeCache.Edge.Protocols;

namespace EdgeCache.Edge.Limits;

/// <summary>
/// The answer to a request that is over a limit: 429 (RFC 6585, section 4) as a problem document, with Retry-After, RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10). In a
/// namespace whose tool would break on it, what its tool takes for a miss.
/// </summary>
internal sealed class LimitAnswer(LiveSettings settings, LimitMetrics metrics)
{
    private const long NanosecondsPerSecond = 1_000_000_000;

    public Task WriteAsync(HttpContext context, Verdict verdict)
    {
        metrics.RecordRefused(verdict);
        var answer = AnswerOf(context);
        if (answer != WhenLimited.Error && (HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method)))
        {
            context.Response.Headers["Cache-Status"] = "EdgeCache; hit=?0; detail=limited";
            return Problem.WriteAsync(context, StatusCodes.Status404NotFound, "No blob is served under this key: a limit is used up.");
        }
        if (answer != WhenLimited.Error && HttpMethods.IsPut(context.Request.Method))
        {
            return answer == WhenLimited.Drop
                ? DropAsync(context)
                : Problem.WriteAsync(context, StatusCodes.Status403Forbidden, "The blob was not stored: a limit is used up.");
        }
        return WriteErrorAsync(context, verdict);
    }

    private static Task WriteErrorAsync(HttpContext context, Verdict verdict)
    {
        var seconds = Math.Max(1, (verdict.Wait + NanosecondsPerSecond - 1) / NanosecondsPerSecond).ToString(CultureInfo.InvariantCulture);
        var headers = context.Response.Headers;
        headers.RetryAfter = seconds;
        headers["RateLimit-Policy"] = PolicyOf(verdict);
        headers["RateLimit"] = $"\"{NameOf(verdict.Limit!)}\";r=0;t={seconds}";
        return Problem.WriteAsync(context, StatusCodes.Status429TooManyRequests, DetailOf(verdict, seconds));
    }

    /// <summary>The tool would end its build over anything but a success. It gets one, which says where it is asked that nothing is stored.</summary>
    private static async Task DropAsync(HttpContext context)
    {
        await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted);
        context.Response.StatusCode = StatusCodes.Status200OK;
        context.Response.Headers["EdgeCache-Stored"] = "none";
        context.Response.ContentLength = 0;
    }

    private static string PolicyOf(Verdict verdict)
    {
        var limit = verdict.Limit!;
        var name = NameOf(limit);
        return verdict.Unit switch
        {
            LimitUnit.Bytes => string.Create(CultureInfo.InvariantCulture, $"\"{name}\";q={limit.BytesPerSecond};qu=\"content-bytes\";w=1"),
            LimitUnit.Concurrent => string.Create(CultureInfo.InvariantCulture, $"\"{name}\";q={limit.Burst};qu=\"concurrent-requests\""),
            _ => string.Create(CultureInfo.InvariantCulture, $"\"{name}\";q={limit.Burst};w={Math.Max(1, (limit.Tolerance + NanosecondsPerSecond - 1) / NanosecondsPerSecond)}"),
        };
    }

    /// <summary>A name goes into a structured field (RFC 9651, section 3.3.3), which has no room for anything but plain characters.</summary>
    private static string NameOf(Quota limit) => limit.Name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') ? limit.Name : "policy";

    private static string DetailOf(Verdict verdict, string seconds) => verdict.Unit switch
    {
        LimitUnit.Bytes => $"The limit of bytes a second ({verdict.Limit!.Name}) is used up. Try again after {seconds} s.",
        LimitUnit.Concurrent => $"As much goes on at one time as may ({verdict.Limit!.Name}). Try again after {seconds} s.",
        LimitUnit.Conduct => $"Too many requests from here were wrong. Try again after {seconds} s.",
        _ => $"The limit of requests ({verdict.Limit!.Name}) is used up. Try again after {seconds} s.",
    };

    private WhenLimited AnswerOf(HttpContext context) =>
        ProtocolMiddleware.NamespaceOf(context) is { } name && settings.Current.Options.Namespaces.TryGetValue(name, out var options)
            ? WhenLimitedText.Of(name, options.WhenLimited)
            : WhenLimited.Error;
}
