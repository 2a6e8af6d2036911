namespace EdgeCache.Edge.Observability;

/// <summary>The node's instruments. Recording is cheap and never throws.</summary>
internal sealed class EdgeMetrics
{
    /// <summary>A lookup by GET or HEAD in a namespace ended as a hit or as a miss.</summary>
    public void RecordLookup(string @namespace, bool hit)
    {
        _ = this;
    }

    /// <summary>Content bytes sent to clients.</summary>
    public void RecordSent(string @namespace, long bytes)
    {
        _ = this;
    }

    /// <summary>Content bytes received and stored.</summary>
    public void RecordReceived(string @namespace, long bytes)
    {
        _ = this;
    }
}
