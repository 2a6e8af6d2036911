namespace EdgeCache.Edge.Configuration;

/// <summary>Which pages of other origins may read answers, and what they may ask.</summary>
internal sealed class CorsPolicyOptions
{
    /// <summary>The origins: scheme, host and port, such as <c>https://app.example.com</c>; <c>https://*.example.com</c> for all below a name; <c>*</c> for every one. Default: none.</summary>
    public List<string> Origins { get; set; } = [];

    /// <summary>Methods that a page may use. Default: GET, HEAD.</summary>
    public List<string> Methods { get; set; } = ["GET", "HEAD"];

    /// <summary>Header fields that a page may send; <c>*</c> for every one. Default: Range, If-Range, If-None-Match.</summary>
    public List<string> Headers { get; set; } = ["Range", "If-Range", "If-None-Match"];

    /// <summary>Header fields of an answer that a page may read. Default: ETag, Cache-Status, Repr-Digest, Content-Range, Content-Length, Accept-Ranges.</summary>
    public List<string> ExposedHeaders { get; set; } = ["ETag", "Cache-Status", "Repr-Digest", "Content-Range", "Content-Length", "Accept-Ranges"];

    /// <summary>Whether a page may send cookies and other credentials of its user; not together with the origin <c>*</c>. Default: no.</summary>
    public bool Credentials { get; set; }

    /// <summary>For how long a browser may remember the answer to a preflight, 0 s to 1 day. Default: 10 min.</summary>
    [Setting(Min = "0s", Max = "1d")]
    public TimeSpan MaxAge { get; set; } = TimeSpan.FromMinutes(10);
}
