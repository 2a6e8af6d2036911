namespace EdgeCache.Storage;

/// <summary>A blob that is being written. Disposing it without a successful commit leaves no trace. One call at a time.</summary>
public interface IBlobWriter : IAsyncDisposable
{
    /// <summary>Adds content.</summary>
    /// <returns>
    /// <see cref="StoreStatus.Ok"/>; or <see cref="StoreStatus.TooLarge"/>, <see cref="StoreStatus.NoSpace"/>, <see cref="StoreStatus.LengthMismatch"/>
    /// (already longer than announced) or <see cref="StoreStatus.Unavailable"/>, after which only disposing makes sense.
    /// </returns>
    ValueTask<StoreStatus> WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken);

    /// <summary>
    /// Adds content that came as a zstd frame of its own, with the frame: a store that would compress the content may store the frame in place of what it would make itself. It does so
    /// if it stores the blob compressed, and the frame begins where one of its own would (<see cref="Codecs.Frames.SeekTable.FrameContentLength"/>); else the frame is not used. Mixing such
    /// calls with <see cref="WriteAsync"/> is allowed.
    /// </summary>
    /// <param name="content">The content that the frame holds: the caller has decoded it.</param>
    /// <param name="frame">The frame, which says the length of its content (<see cref="Codecs.Frames.FrameInput"/> gives such).</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>As <see cref="WriteAsync"/>.</returns>
    ValueTask<StoreStatus> WriteFrameAsync(ReadOnlyMemory<byte> content, ReadOnlyMemory<byte> frame, CancellationToken cancellationToken) => WriteAsync(content, cancellationToken);

    /// <summary>
    /// Ends the content, checks length and digest, and publishes the blob under its key in one step. When the outcome is good, the
    /// blob is stored as far as the receipt says, also if the process is killed in the next instant.
    /// </summary>
    /// <param name="cancellationToken">Ends the wait before the publication begins; once begun, it is finished.</param>
    /// <returns>
    /// The receipt; <see cref="StoreStatus.LengthMismatch"/>, <see cref="StoreStatus.DigestMismatch"/>, <see cref="StoreStatus.Exists"/>,
    /// <see cref="StoreStatus.PreconditionFailed"/>, <see cref="StoreStatus.Superseded"/>, <see cref="StoreStatus.NoSpace"/> or <see cref="StoreStatus.Unavailable"/>.
    /// </returns>
    ValueTask<Outcome<PutReceipt>> CommitAsync(CancellationToken cancellationToken);
}
