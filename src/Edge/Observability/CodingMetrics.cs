using System.Diagnostics.Metrics;
using EdgeCache.Edge.Compression;

namespace EdgeCache.Edge.Observability;

/// <summary>What compression does on the wire. Counting is an addition; the instruments are read at a scrape.</summary>
internal sealed class CodingMetrics
{
    private static readonly string[] Reasons = [.. Enum.GetNames<CodingReason>().Select(ToLabel)];

    private readonly long[] _responses = new long[ContentCodings.Count * Reasons.Length];
    private readonly long[] _saved = new long[ContentCodings.Count];
    private readonly long[] _uploads = new long[ContentCodings.Count];
    private readonly long[] _uploadsSaved = new long[ContentCodings.Count];

    public CodingMetrics(IMeterFactory meterFactory)
    {
        var meter = meterFactory.Create(EdgeMetrics.MeterName);
        _ = meter.CreateObservableCounter("edgecache_coded_responses_total", Responses, "{response}", "Answers with content, by the coding in which it was sent and why in that.");
        _ = meter.CreateObservableCounter("edgecache_coded_responses_saved_bytes_total", () => ByCoding(_saved), "By", "Bytes that did not have to be sent, because what was sent was shorter than the content.");
        _ = meter.CreateObservableCounter("edgecache_coded_uploads_total", () => ByCoding(_uploads), "{upload}", "Uploads that came in a coding and were stored.");
        _ = meter.CreateObservableCounter("edgecache_coded_uploads_saved_bytes_total", () => ByCoding(_uploadsSaved), "By", "Bytes that did not have to be received, because what was sent was shorter than the content.");
    }

    /// <summary>An answer with content.</summary>
    public void RecordSent(ContentCoding coding, CodingReason reason) => Interlocked.Increment(ref _responses[((int)coding * Reasons.Length) + (int)reason]);

    /// <summary>What a coding has saved. One that made content longer has saved nothing.</summary>
    public void RecordSaved(ContentCoding coding, long bytes) => Interlocked.Add(ref _saved[(int)coding], Math.Max(0, bytes));

    /// <summary>An upload in a coding that was stored.</summary>
    public void RecordUpload(ContentCoding coding, long savedBytes)
    {
        Interlocked.Increment(ref _uploads[(int)coding]);
        Interlocked.Add(ref _uploadsSaved[(int)coding], Math.Max(0, savedBytes));
    }

    private IEnumerable<Measurement<long>> Responses()
    {
        for (var i = 0; i < _responses.Length; i++)
        {
            if (Volatile.Read(ref _responses[i]) is > 0 and var count)
                yield return new(count, Label("coding", ContentCodings.NameOf((ContentCoding)(i / Reasons.Length))), Label("reason", Reasons[i % Reasons.Length]));
        }
    }

    private static IEnumerable<Measurement<long>> ByCoding(long[] values) =>
        ContentCodings.ByRank.Select(c => new Measurement<long>(Volatile.Read(ref values[(int)c]), Label("coding", ContentCodings.NameOf(c))));

    private static KeyValuePair<string, object?> Label(string name, string value) => new(name, value);

    /// <summary>Two words become two with an underscore.</summary>
    private static string ToLabel(string name) => string.Concat(name.Select((c, i) => char.IsUpper(c) && i > 0 ? $"_{char.ToLowerInvariant(c)}" : $"{char.ToLowerInvariant(c)}"));
}
