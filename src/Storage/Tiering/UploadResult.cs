namespace EdgeCache.Storage.Tiering;

/// <summary>How a try to upload an entry ended.</summary>
internal enum UploadStatus
{
    /// <summary>The far store has it; the entry is gone.</summary>
    Done,

    /// <summary>There was nothing to be uploaded; the entry is gone.</summary>
    Nothing,

    /// <summary>The blob changed meanwhile: what was sent is not published.</summary>
    Changed,

    /// <summary>It did not work now, and may later.</summary>
    Later,

    /// <summary>It can't work; the entry is set aside.</summary>
    Parked,
}

/// <summary>How a try to upload an entry ended, and why.</summary>
internal readonly record struct UploadResult(UploadStatus Status, string Reason = "");
