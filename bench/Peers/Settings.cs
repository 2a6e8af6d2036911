namespace EdgeCache.Bench.Peers;

/// <summary>What to compare and for how long.</summary>
internal sealed record Settings
{
    public bool Hits { get; init; } = true;

    /// <summary>Hits on many keys.</summary>
    public bool Zipf { get; init; }

    /// <summary>What compression at rest costs: hits in both forms, and PUTs of what does not shrink.</summary>
    public bool Compression { get; init; }

    public bool Puts { get; init; } = true;

    /// <summary>Bytes of all bodies together where hits are on many keys.</summary>
    public long WorkingSet { get; init; }

    /// <summary>Length of one measured run. wrk takes whole seconds only.</summary>
    public int Seconds { get; init; } = 5;

    /// <summary>Length of the unmeasured run that each contender gets before its case, for the just-in-time compiler and the page cache.</summary>
    public int Warmup { get; init; } = 3;

    public int Rounds { get; init; } = 5;

    public required IReadOnlyList<int> Sizes { get; init; }

    public required IReadOnlyList<int> Connections { get; init; }

    /// <summary>Folder on the disk to be measured.</summary>
    public required string Folder { get; init; }

    /// <summary>A file of which bodies are made, instead of random ones.</summary>
    public string? Content { get; init; }

    /// <summary>An EdgeCache executable to use instead of publishing one from the working tree.</summary>
    public string? Executable { get; init; }

    /// <summary>Extra environment of the EdgeCache process.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Environment { get; init; } = [];

    public string? MarkdownFile { get; init; }

    /// <summary>How to get the same run again.</summary>
    public required string Command { get; init; }
}
