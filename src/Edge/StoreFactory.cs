using EdgeCache.Edge.Configuration;
using EdgeCache.Storage;
using EdgeCache.Storage.Local;

namespace EdgeCache.Edge;

/// <summary>Opens the stores that the settings ask for.</summary>
internal static class StoreFactory
{
    /// <summary>More than any disk has, and still far from where sums overflow.</summary>
    private const long MoreThanAnyDisk = 1L << 60;

    /// <summary>Opens the local store of a node. What namespaces may hold and when it is scrubbed follows the settings in force.</summary>
    /// <exception cref="StoreUnavailableException">The folder can't be opened; the message says why.</exception>
    public static Task<LocalStore> OpenAsync(LiveSettings live, ILoggerFactory loggers, TimeProvider time, CancellationToken cancellationToken)
    {
        var options = OptionsOf(live.Current) with
        {
            Limits = name => live.Current.Namespaces.GetValueOrDefault(name)?.Limits ?? NamespaceLimits.None,
            Scrub = () => PlanOf(live.Current.Options.Storage),
        };
        return LocalStore.OpenAsync(options, time, loggers.CreateLogger<LocalStore>(), cancellationToken);
    }

    /// <summary>Opens a local store that is there, to look into it or after it. Nothing is evicted: neither namespaces nor the store have limits, whatever the settings say.</summary>
    /// <exception cref="StoreUnavailableException">There is no store, or it can't be opened, for one because a node uses it; the message says why.</exception>
    public static Task<LocalStore> OpenIdleAsync(EdgeSettings settings, ILogger logger, TimeProvider time, CancellationToken cancellationToken)
    {
        var options = OptionsOf(settings);
        if (!LocalStore.IsStore(options.Path))
            throw new StoreUnavailableException($"There is no store in '{options.Path}'.");
        return LocalStore.OpenAsync(options with { MaxBytes = MoreThanAnyDisk, MinFreeBytes = 0 }, time, logger, cancellationToken);
    }

    private static ScrubPlan PlanOf(StorageOptions storage) => new(storage.ScrubInterval, storage.ScrubRate.Bytes);

    private static LocalStoreOptions OptionsOf(EdgeSettings settings)
    {
        var storage = settings.Options.Storage;
        return new LocalStoreOptions
        {
            Path = storage.Path ?? throw new InvalidOperationException("A loaded configuration has a storage path."),
            MaxBytes = storage.MaxSize.Bytes,
            MinFreeBytes = storage.MinFreeSpace.Bytes,
            LockTimeout = storage.LockTimeout,
            MemoryTierBytes = storage.MemoryTier.Bytes,
            VerifyInterval = storage.VerifyInterval,
        };
    }
}
