namespace EdgeCache.Edge.Compression;

/// <summary>Why content is sent in the coding in which it is. Each is a label of a metric.</summary>
internal enum CodingReason
{
    /// <summary>The request asks for no coding, or likes identity better.</summary>
    NotAsked,

    /// <summary>The payload is sent as it is stored.</summary>
    Stored,

    /// <summary>It is compressed on its way.</summary>
    Encoded,

    /// <summary>The request is for a range, which is always one of the content.</summary>
    Range,

    /// <summary>The blob has a coding of its own that this node did not give it.</summary>
    Foreign,

    /// <summary>Compressing on the way is switched off.</summary>
    Off,

    /// <summary>It is shorter than is worth it.</summary>
    TooSmall,

    /// <summary>It would not shrink.</summary>
    Incompressible,

    /// <summary>The processors have too much else to do.</summary>
    Pressure,

    /// <summary>As many are compressed as may be.</summary>
    Busy,
}
