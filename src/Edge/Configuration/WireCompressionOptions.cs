namespace EdgeCache.Edge.Configuration;

/// <summary>How content is compressed on its way to clients that ask for it.</summary>
internal sealed class WireCompressionOptions
{
    /// <summary>Whether content that is not stored in a coding that the client accepts is compressed on its way. What is stored compressed is sent as it is in any case. Default: yes.</summary>
    public bool OnTheFly { get; set; } = true;

    /// <summary>Smallest content, in bytes, that is compressed on its way, 0 to 1 GiB. Default: 4 KiB.</summary>
    [Setting(Min = "0", Max = "1 GiB")]
    public ByteSize MinSize { get; set; } = new(4 << 10);
}
