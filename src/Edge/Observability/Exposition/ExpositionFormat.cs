using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace EdgeCache.Edge.Observability.Exposition;

/// <summary>The text formats that <c>/metrics</c> speaks.</summary>
internal enum ExpositionFormat
{
    /// <summary>Prometheus text, version 0.0.4: what everything understands.</summary>
    PrometheusText,

    /// <summary>OpenMetrics text, version 1.0: where the scraper asks for it.</summary>
    OpenMetrics,
}

internal static class ExpositionNegotiation
{
    private const string OpenMetricsType = "application/openmetrics-text";
    private const string PlainType = "text/plain";

    public static string ContentType(this ExpositionFormat format) => format switch
    {
        ExpositionFormat.OpenMetrics => OpenMetricsType + "; version=1.0.0; charset=utf-8",
        _ => PlainType + "; version=0.0.4; charset=utf-8",
    };

    /// <summary>OpenMetrics if it is asked for by name and plain text is not preferred; Prometheus text in every other case, also for a header that can't be read.</summary>
    public static ExpositionFormat Choose(StringValues accept)
    {
        if (!MediaTypeHeaderValue.TryParseList(accept, out var types))
            return ExpositionFormat.PrometheusText;

        double open = 0;
        double plain = 0;
        foreach (var type in types)
        {
            if (type.MediaType.Equals(OpenMetricsType, StringComparison.OrdinalIgnoreCase) && IsVersionOne(type))
                open = Math.Max(open, type.Quality ?? 1);
            else if (type.MediaType.Equals(PlainType, StringComparison.OrdinalIgnoreCase))
                plain = Math.Max(plain, type.Quality ?? 1);
        }

        return open > 0 && open >= plain ? ExpositionFormat.OpenMetrics : ExpositionFormat.PrometheusText;
    }

    // 0.0.1 is what scrapers asked for while the standard was a draft; 1.0.0 is an answer to it.
    private static bool IsVersionOne(MediaTypeHeaderValue type)
    {
        foreach (var parameter in type.Parameters)
        {
            if (parameter.Name.Equals("version", StringComparison.OrdinalIgnoreCase))
                return HeaderUtilities.RemoveQuotes(parameter.Value).AsSpan() is "1.0.0" or "1.0" or "0.0.1";
        }

        return true;
    }
}
