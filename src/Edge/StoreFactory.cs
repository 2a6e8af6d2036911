using EdgeCache.Codecs;
using EdgeCache.Codecs.Choosing;
using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Origins;
using EdgeCache.Storage;
using EdgeCache.Storage.Local;
using EdgeCache.Storage.Local.Outbox;
using EdgeCache.Storage.Resilience;
using EdgeCache.Storage.S3;
using EdgeCache.Storage.Tiering;

namespace EdgeCache.Edge;

/// <summary>The stores of a node. They end in the opposite order: first nothing is sent any more, the local one goes last.</summary>
/// <param name="Local">The local one.</param>
/// <param name="Served">What requests are served from: the local one, or the tiers of which it is the near one and which own it.</param>
/// <param name="Outbox">What is to be sent to the far store; null where there is none.</param>
/// <param name="Uploader">Who sends it; null where there is none.</param>
internal sealed record NodeStores(LocalStore Local, IBlobStore Served, IOutbox? Outbox = null, OutboxUploader? Uploader = null);

/// <summary>What a node compresses with: the same contexts and the same measure for its stores and the wire.</summary>
/// <param name="Zstd">The codec.</param>
/// <param name="Pressure">How busy the processors are.</param>
internal sealed record NodeCompressing(ICodec Zstd, ICpuPressure Pressure);

/// <summary>Opens the stores that the settings ask for.</summary>
internal static class StoreFactory
{
    /// <summary>More than any disk has, and still far from where sums overflow.</summary>
    private const long MoreThanAnyDisk = 1L << 60;

    /// <summary>Opens the stores of a node. What namespaces may hold, how they move between the stores and when the local one is scrubbed follows the settings in force.</summary>
    /// <exception cref="IOException">The folder can't be opened, or the bucket's credentials can't be used; the message says why.</exception>
    /// <param name="live">The settings.</param>
    /// <param name="origin">The far store, where that is an HTTP origin.</param>
    /// <param name="compressing">What all of the node compresses with.</param>
    /// <param name="loggers">The logs.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    public static async Task<NodeStores> OpenAsync(
        LiveSettings live, OriginStore? origin, NodeCompressing compressing, ILoggerFactory loggers, TimeProvider time, CancellationToken cancellationToken)
    {
        // It is opened after the store, whose folder it is in, and which asks it what may be evicted.
        IOutbox? outbox = null;
        var options = OptionsOf(live.Current) with
        {
            Limits = name => live.Current.Namespaces.GetValueOrDefault(name)?.Limits ?? NamespaceLimits.None,
            Compression = name => live.Current.Compression.GetValueOrDefault(name) ?? CompressionPolicy.Off,
            MaxDeferred = () => live.Current.Options.Storage.Compression.MaxDeferred,
            Zstd = compressing.Zstd,
            CpuPressure = compressing.Pressure,
            Scrub = () => PlanOf(live.Current.Options.Storage),

            // As long as it is not known what waits, nothing may go.
            IsPinned = HasFar(live.Current.Options.Storage) ? key => Volatile.Read(ref outbox)?.Contains(key) != false : null,
        };
        var local = await LocalStore.OpenAsync(options, time, loggers.CreateLogger<LocalStore>(), cancellationToken);
        try
        {
            outbox = await OpenOutboxAsync(live.Current.Options.Storage, loggers, time, cancellationToken);
            return outbox is null ? new NodeStores(local, local) : OpenTiers(local, outbox, origin ?? await OpenBucketAsync(live, compressing, loggers, time, cancellationToken), live, loggers, time);
        }
        catch
        {
            if (outbox is not null)
                await outbox.DisposeAsync();
            await local.DisposeAsync();
            throw;
        }
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

    /// <summary>The outbox of a node with a far store. A node without one must not forget what it owed to the one that it had.</summary>
    private static async Task<IOutbox?> OpenOutboxAsync(StorageOptions storage, ILoggerFactory loggers, TimeProvider time, CancellationToken cancellationToken)
    {
        var hasFar = HasFar(storage);
        if (!hasFar && !SqliteOutbox.IsIn(storage.Path!))
            return null;
        var options = new SqliteOutboxOptions { Path = storage.Path!, MaxBytes = storage.MaxSize.Bytes / 2 };
        var outbox = await SqliteOutbox.OpenAsync(options, time, loggers.CreateLogger<SqliteOutbox>(), cancellationToken);
        if (hasFar)
            return outbox;
        var state = outbox.State;
        await outbox.DisposeAsync();
        if (state.Waiting + state.Parked == 0)
            return null;
        throw new StoreUnavailableException(
            $"{state.Waiting + state.Parked} blobs of the store '{storage.Path}' are acknowledged and not in the far store yet, and no far store is configured. Configure it again and let it be drained; edgecache outbox says what waits. Or move outbox.db away to give them up.");
    }

    private static bool IsLoop(string detail) => detail == OriginFaults.Loop;

    private static bool HasFar(StorageOptions storage) => storage.S3.Bucket is not null || storage.Origin.Cluster is not null;

    private static async Task<IBlobStore> OpenBucketAsync(LiveSettings live, NodeCompressing compressing, ILoggerFactory loggers, TimeProvider time, CancellationToken cancellationToken)
    {
        var errors = new List<string>();
        if (S3Settings.Build(live.Current.Options.Storage.S3, new FileSnapshots(), errors) is not { } options)
            throw new IOException(string.Join(" ", errors));
        options = options with
        {
            Capabilities = await BucketProbe.RunAsync(options, loggers, time, cancellationToken),
            Compression = name => live.Current.BucketCompression.GetValueOrDefault(name) ?? CompressionPolicy.Off,
            Zstd = compressing.Zstd,
            CpuPressure = compressing.Pressure,
        };
        return S3Store.Open(options, time, loggers.CreateLogger<S3Store>());
    }

    private static NodeStores OpenTiers(LocalStore local, IOutbox outbox, IBlobStore far, LiveSettings live, ILoggerFactory loggers, TimeProvider time)
    {
        var tiering = live.Current.Options.Storage.Tiering;
        var resilience = new ResilienceOptions { Timeout = tiering.Timeout, BreakDuration = tiering.BreakDuration, IsAboutRequest = IsLoop };
        var options = new TieredStoreOptions
        {
            PolicyOf = name => live.Current.Tiers.GetValueOrDefault(name) ?? TierPolicy.Default,
            MissMemory = tiering.MissMemory,
            StatMemory = tiering.StatMemory,
            MaxFills = tiering.MaxFills,
            AbandonAfter = tiering.AbandonAfter,
            Route = far is OriginStore ? static () => RequestPath.Current?.Route : static () => null,
            IsForClients = IsLoop,
        };
        var guarded = new ResilientStore(far, resilience, time, loggers.CreateLogger<ResilientStore>());
        var gate = new KeyGate();
        var uploads = new OutboxUploaderOptions { Replaces = name => live.Current.Namespaces.GetValueOrDefault(name) is { Verified: true } or { Replaceable: true } };
        var uploader = new OutboxUploader(local, guarded, outbox, gate, uploads, time, loggers.CreateLogger<OutboxUploader>());
        var tiers = new TieredStore(local, guarded, outbox, gate, options, time, loggers.CreateLogger<TieredStore>())
        {
            OnOutboxAdded = uploader.Notify,
            Presigner = far as IPresigner,
        };
        return new NodeStores(local, tiers, outbox, uploader);
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
