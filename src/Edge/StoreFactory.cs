using EdgeCache.Edge.Configuration;
using EdgeCache.Storage.Local;

namespace EdgeCache.Edge;

/// <summary>Opens the stores that the settings ask for.</summary>
internal static class StoreFactory
{
    /// <summary>Opens the local store.</summary>
    /// <exception cref="StoreUnavailableException">The folder can't be opened; the message says why.</exception>
    public static Task<LocalStore> OpenAsync(EdgeSettings settings, ILoggerFactory loggers, TimeProvider time, CancellationToken cancellationToken)
    {
        var storage = settings.Options.Storage;
        var options = new LocalStoreOptions
        {
            Path = storage.Path ?? throw new InvalidOperationException("A loaded configuration has a storage path."),
            MaxBytes = storage.MaxSize.Bytes,
            MinFreeBytes = storage.MinFreeSpace.Bytes,
            LockTimeout = storage.LockTimeout,
            MemoryTierBytes = storage.MemoryTier.Bytes,
            VerifyInterval = storage.VerifyInterval,
        };
        return LocalStore.OpenAsync(options, time, loggers.CreateLogger<LocalStore>(), cancellationToken);
    }
}
