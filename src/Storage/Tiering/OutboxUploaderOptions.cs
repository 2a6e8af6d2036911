namespace EdgeCache.Storage.Tiering;

/// <summary>How an outbox is emptied.</summary>
public sealed record OutboxUploaderOptions
{
    /// <summary>Uploads at once, 1 to 64. Default: 4.</summary>
    public int Parallelism { get; init; } = 4;

    /// <summary>Whether what is uploaded replaces what the far store has under the key, by namespace: where keys are replaceable, or verified. Asked at each upload, so that it may change.</summary>
    public required Func<string, bool> Replaces { get; init; }
}
