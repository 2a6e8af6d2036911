using System.Net.Sockets;
using EdgeCache.Codecs.Choosing;
using EdgeCache.Edge.Compression;
using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Observability;
using EdgeCache.Edge.Origins;
using EdgeCache.Edge.Tls;
using EdgeCache.Edge.Transport;
using EdgeCache.Storage;
using EdgeCache.Storage.Tiering;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Console;

namespace EdgeCache.Edge;

/// <summary>One running node: the store, the web server in front of it, and the reload of its configuration.</summary>
internal sealed class EdgeNode : IAsyncDisposable
{
    private readonly WebApplication _app;

    private EdgeNode(WebApplication app, LoadedConfiguration configuration)
    {
        _app = app;
        Configuration = configuration;
    }

    public LoadedConfiguration Configuration { get; }

    public IServiceProvider Services => _app.Services;

    public ILogger Logger => _app.Services.GetRequiredService<ILoggerFactory>().CreateLogger<EdgeNode>();

    /// <summary>Where the main listener really listens, with the port that the system chose if it was asked to.</summary>
    public IReadOnlyList<string> Urls => HasManagement ? [.. Bound.SkipLast(1)] : [.. Bound];

    /// <summary>Where the management listener really listens; null when there is none.</summary>
    public string? ManagementUrl => HasManagement ? Bound.Last() : null;

    private bool HasManagement => Configuration.Settings.Options.Listen.Management is not null;

    /// <summary>In the order in which they were configured: the management listener comes last, and is one.</summary>
    private ICollection<string> Bound => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;

    /// <summary>Builds a node, opens its store, and starts to listen.</summary>
    /// <param name="configuration">What it is to be like.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="configure">Changes what it is made of; null for none.</param>
    /// <exception cref="IOException">The store can't be opened or the address can't be bound; the message says which and why.</exception>
    public static async Task<EdgeNode> StartAsync(LoadedConfiguration configuration, CancellationToken cancellationToken, Action<IServiceCollection>? configure = null)
    {
        var quiet = new StartupLogFilter();
        var node = await CreateAsync(configuration, quiet, configure, cancellationToken);
        try
        {
            await node._app.StartAsync(cancellationToken);
            quiet.Started();
            return node;
        }
        catch (Exception e)
        {
            await node.DisposeAsync();
            if (e is not SocketException)
                throw;

            // Kestrel names the address only where it is in use.
            var listen = configuration.Settings.Options.Listen;
            var where = listen.Management is null ? "" : $" or on {listen.Management}";
            throw new IOException($"Can't listen on {listen.Host}:{listen.Port}{where}: {e.Message}.", e);
        }
    }

    public Task WaitForShutdownAsync(CancellationToken cancellationToken) => _app.WaitForShutdownAsync(cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => _app.StopAsync(cancellationToken);

    /// <summary>Ends everything. The store, as the first service that was made, is the last that is disposed: after the server.</summary>
    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static async Task<EdgeNode> CreateAsync(LoadedConfiguration configuration, StartupLogFilter quiet, Action<IServiceCollection>? configure, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "edgecache" });
        var published = new PublishedConfiguration(configuration.HostValues);
        ((IConfigurationBuilder)builder.Configuration).Add(published);
        AddLogging(builder, quiet);
        AddServer(builder, configuration.Settings.Options);

        NodeStores? stores = null;
        builder.Services.AddSingleton<IBlobStore>(_ => stores?.Served ?? throw new InvalidOperationException("The store is not open yet."));
        builder.Services.AddSingleton(_ => (stores?.Served as IRedirector)!);
        builder.Services.AddSingleton(_ => stores?.Outbox!);
        builder.Services.AddSingleton(_ => stores?.Uploader!);
        builder.Services.AddHostedService<OutboxDrain>();
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(configuration);
        builder.Services.AddSingleton(published);
        builder.Services.AddSingleton(new LiveSettings(configuration.Settings));
        builder.Services.AddSingleton<ConfigurationReloader>();
        builder.Services.AddHostedService<ReloadService>();
        builder.Services.AddObservability();
        builder.Services.AddTls();
        Pipeline.AddServices(builder.Services);
        ReverseProxyCheck.AddProxy(builder.Services, builder.Configuration, configuration.Settings.Options.RateLimits, s => new PolicyNames(() => s.GetRequiredService<LiveSettings>().Current.Options)).AddOrigin(configuration.Settings.Options.Storage.Origin);
        configure?.Invoke(builder.Services);

        var app = builder.Build();
        try
        {
            var time = app.Services.GetRequiredService<TimeProvider>();
            var compressing = new NodeCompressing(app.Services.GetRequiredService<NodeCodecs>().Zstd, app.Services.GetRequiredService<ICpuPressure>());
            var loggers = app.Services.GetRequiredService<ILoggerFactory>();
            stores = await StoreFactory.OpenAsync(app.Services.GetRequiredService<LiveSettings>(), app.Services.GetService<OriginStore>(), compressing, loggers, time, cancellationToken);

            app.Lifetime.ApplicationStopping.Register(stores.Local.MarkLeaving);

            // From here on the container owns them, and disposes them in the opposite order.
            // The tiers are two services: both before the uploader, which must not find a local store that is closed and has nothing.
            _ = app.Services.GetRequiredService<IBlobStore>();
            _ = app.Services.GetService<IRedirector>();
            _ = app.Services.GetService<IOutbox>();
            _ = app.Services.GetService<OutboxUploader>();
            Pipeline.Map(app);
            return new EdgeNode(app, configuration);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    private static void AddLogging(WebApplicationBuilder builder, StartupLogFilter quiet)
    {
        // Code before configuration: what the section Logging says wins. The name is the default's own; but where none is set, the library
        // overwrites the options of its formatter with those of an older version of itself.
        builder.Services.Configure<ConsoleLoggerOptions>(o => o.FormatterName = ConsoleFormatterNames.Simple);
        builder.Services.Configure<SimpleConsoleFormatterOptions>(o =>
        {
            o.SingleLine = true;
            o.TimestampFormat = "yyyy-MM-dd HH:mm:ss.fff ";
        });
        builder.Services.Configure<JsonConsoleFormatterOptions>(o =>
        {
            o.UseUtcTimestamp = true;
            o.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";
        });
        quiet.AddTo(builder.Logging);

        builder.Logging.AddConfiguration(builder.Configuration.GetSection(FrameworkSections.Logging)).AddConsole();

        builder.Services.PostConfigure<LoggerFilterOptions>(TurnRequestLinesOff);
    }

    /// <summary>
    /// After what the configuration says: this category writes the query of every request, and signatures are in it. While it is on at any level, the server makes an activity and a scope
    /// for every request besides: a twentieth of what a small hit takes. A rule for the provider wins over one for all, so both are needed.
    /// </summary>
    private static void TurnRequestLinesOff(LoggerFilterOptions options)
    {
        foreach (var provider in (string?[])[null, typeof(ConsoleLoggerProvider).FullName])
            options.Rules.Add(new LoggerFilterRule(provider, "Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None, filter: null));
    }

    private static void AddServer(WebApplicationBuilder builder, EdgeCacheOptions options)
    {
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = options.Listen.DrainTimeout);

        // The start block says it better.
        builder.Services.Configure<ConsoleLifetimeOptions>(o => o.SuppressStatusMessages = true);
        builder.Services.AddRouting();
        builder.Services.Configure<SocketTransportOptions>(KestrelSetup.Apply);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => KestrelSetup.Apply(kestrel, options));

        // After the server's own, which would win otherwise.
        builder.Services.AddSingleton<ReceiveBlocks>();
        builder.Services.AddSingleton<IMemoryPoolFactory<byte>>(services => services.GetRequiredService<ReceiveBlocks>());
    }
}
