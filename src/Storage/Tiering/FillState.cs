namespace EdgeCache.Storage.Tiering;

/// <summary>How far a fetch has got.</summary>
internal enum FillState
{
    /// <summary>Bytes come in, or are about to.</summary>
    Running,

    /// <summary>All bytes are there and are what they should be.</summary>
    Verified,

    /// <summary>The local store took no more: what it took can be read back, the rest is to be had from the far store alone.</summary>
    Bypassed,

    /// <summary>The content is not what it should be.</summary>
    Mismatched,

    /// <summary>It failed, or was ended.</summary>
    Failed,
}
