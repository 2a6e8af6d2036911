namespace EdgeCache.Storage.Tiering;

/// <summary>What clients are told when the far store fails. Its own words are for whoever runs the node: they name servers, buckets and settings, and are in the log.</summary>
internal static class FarDetails
{
    public const string Busy = "Too many blobs are being fetched from the far store; try again later.";

    public const string Failed = "The far store does not answer as it should; try again later. The node's log says more.";

    /// <summary>An outcome of the far store's in words for clients.</summary>
    public static Outcome<T> ForClients<T>(this Outcome<T> far, TieredStoreOptions options)
        where T : class => far is { Status: StoreStatus.Unavailable, Detail: { } detail } && detail != Busy && !options.IsForClients(detail)
            ? Outcome<T>.Fail(StoreStatus.Unavailable, Failed)
            : far;
}
