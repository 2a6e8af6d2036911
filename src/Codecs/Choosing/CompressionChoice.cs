namespace EdgeCache.Codecs.Choosing;

/// <summary>What is to be done with a blob's content.</summary>
/// <param name="Method">How it is stored.</param>
/// <param name="Level">The level, from 1; 0 where nothing is compressed.</param>
/// <param name="Reason">Why.</param>
public readonly record struct CompressionChoice(CompressionMethod Method, int Level, CompressionReason Reason);

/// <summary>What has become of the blobs of one choice and reason since the start.</summary>
/// <param name="Method">How they were stored.</param>
/// <param name="Reason">Why.</param>
/// <param name="Blobs">How many.</param>
/// <param name="ContentBytes">Their content.</param>
/// <param name="PayloadBytes">Their payloads.</param>
public readonly record struct CompressionTotal(CompressionMethod Method, CompressionReason Reason, long Blobs, long ContentBytes, long PayloadBytes);

/// <summary>How content is stored.</summary>
public enum CompressionMethod
{
    /// <summary>As it is.</summary>
    Identity,

    /// <summary>As zstd frames.</summary>
    Zstd,
}

/// <summary>Why a choice was made. Each is a label of a metric.</summary>
public enum CompressionReason
{
    /// <summary>It looks as if it shrinks.</summary>
    Compressible,

    /// <summary>It was not clear whether it shrinks, so its first part was compressed to see: it does.</summary>
    Trial,

    /// <summary>As <see cref="Trial"/>: it does not, or not enough.</summary>
    TrialFailed,

    /// <summary>It is shorter than is worth it.</summary>
    TooSmall,

    /// <summary>Its first bytes say that it is compressed already.</summary>
    Magic,

    /// <summary>Its bytes look like noise.</summary>
    Entropy,

    /// <summary>Nothing of its namespace has shrunk lately.</summary>
    History,

    /// <summary>The processors have too much else to do.</summary>
    Pressure,

    /// <summary>It came faster than it could have been compressed, or the processors had too much else to do: it is stored as it is, to be compressed when there is time.</summary>
    Deferred,

    /// <summary>All compressors are in use.</summary>
    Busy,

    /// <summary>It is switched off.</summary>
    Off,

    /// <summary>The library is not there.</summary>
    Unavailable,

    /// <summary>It came compressed, in a form that can be stored as it is.</summary>
    AsReceived,
}
