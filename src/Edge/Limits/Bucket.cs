namespace EdgeCache.Edge.Limits;

/// <summary>The buckets of one limit that is not an address's or a principal's: see <see cref="Gcra"/>.</summary>
internal sealed class Bucket
{
    /// <summary>When there is room for all requests of a burst again.</summary>
    public long Requests;

    /// <summary>When all bytes are paid for.</summary>
    public long Bytes;
}
