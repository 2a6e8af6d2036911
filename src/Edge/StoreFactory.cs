using EdgeCache.Edge.Configuration;
using EdgeCache.Storage.Local;

namespace EdgeCache.Edge;

/// <summary>Opens the stores that the settings ask for.</summary>
internal static class StoreFactory
{
    /// <summary>An exbibyte.</summary>
    private const long MoreThanAnyDisk = 1L << 60;

    /// <summary>Opens the local store.</summary>
    /// <exception cref="StoreUnavailableException">The folder can't be opened; the message says why.</exception>
    public static Task<LocalStore> OpenAsync(EdgeSettings settings, ILoggerFactory loggers, TimeProvider time, CancellationToken cancellationToken)
    {
        var storage = settings.Options.Storage;
        var options = new LocalStoreOptions
        {
            Path = PathOf(storage),
            MaxBytes = storage.MaxSize.Bytes,
            MinFreeBytes = storage.MinFreeSpace.Bytes,
            LockTimeout = storage.LockTimeout,
        };
        return LocalStore.OpenAsync(options, time, loggers.CreateLogger<LocalStore>(), cancellationToken);
    }

    /// <summary>Opens a local store that is there, to look at it: nothing is evicted, whatever size the settings give it.</summary>
    /// <exception cref="StoreUnavailableException">There is no store, or it can't be opened; the message says why.</exception>
    public static Task<LocalStore> OpenToLookAsync(EdgeSettings settings, ILoggerFactory loggers, TimeProvider time, CancellationToken cancellationToken)
    {
        var storage = settings.Options.Storage;
        if (!LocalStore.IsStore(PathOf(storage)))
            throw new StoreUnavailableException($"There is no store in '{PathOf(storage)}'.");
        var options = new LocalStoreOptions { Path = PathOf(storage), MaxBytes = MoreThanAnyDisk, MinFreeBytes = 0, LockTimeout = storage.LockTimeout };
        return LocalStore.OpenAsync(options, time, loggers.CreateLogger<LocalStore>(), cancellationToken);
    }

    private static string PathOf(StorageOptions storage) => storage.Path ?? throw new InvalidOperationException("A loaded configuration has a storage path.");
}
