namespace EdgeCache.Edge.Configuration;

/// <summary>How blobs are compressed on this node's disk.</summary>
internal sealed class CompressionOptions
{
    /// <summary>Whether content that shrinks is stored compressed; what does not shrink never is. Default: yes.</summary>
    [Setting(Alias = "ENABLE_COMPRESSION")]
    public bool Enabled { get; set; } = true;

    /// <summary>How hard it is compressed while the processors are not busy, a level of zstd from 1 to 19. Default: 5.</summary>
    [Setting(Min = "1", Max = "19")]
    public int Level { get; set; } = 5;

    /// <summary>Content below this length is stored as it is, 64 B to 1 GiB. Default: 1 KiB.</summary>
    [Setting(Min = "64", Max = "1 GiB")]
    public ByteSize MinSize { get; set; } = new(1024);

    /// <summary>
    /// How many blobs may wait to be compressed when the processors have time, because they came too fast to be compressed at once. 0: whoever sends faster than that waits for it.
    /// Default: 100,000.
    /// </summary>
    [Setting(Min = "0", Max = "1000000")]
    public int MaxDeferred { get; set; } = 100_000;
}
