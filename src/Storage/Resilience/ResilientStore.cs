using Microsoft.Extensions.Logging;
using Polly;
using Polly.CircuitBreaker;
using Polly.Timeout;

namespace EdgeCache.Storage.Resilience;

/// <summary>
/// A far store behind a circuit breaker: when most calls fail it is not called for a while, so that nobody waits for what will not come. Calls have a time-out and a
/// bound on their number. Calls are repeated by the store itself, which knows what may be; here a call is made once. Content streams past all this.
/// </summary>
public sealed partial class ResilientStore : IBlobStore
{
    private readonly IBlobStore _inner;
    private readonly ILogger _logger;
    private readonly CircuitBreakerStateProvider _circuit = new();
    private readonly ResiliencePipeline _breaker;
    private readonly ResiliencePipeline _calls;
    private readonly TimeSpan _timeout;
    private readonly SemaphoreSlim _slots;
    private volatile string? _broken;

    /// <summary>Puts a store behind a breaker of its own.</summary>
    /// <param name="inner">The store. Owned from here on.</param>
    /// <param name="options">When to spare it.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where it is told that the store is not called, and that it is again.</param>
    public ResilientStore(IBlobStore inner, ResilienceOptions options, TimeProvider time, ILogger logger)
    {
        (_inner, _timeout, _logger) = (inner, options.Timeout, logger);
        _slots = new SemaphoreSlim(options.MaxConcurrency, options.MaxConcurrency);

        // One breaker, in both pipelines: what fails is the store and not a kind of call.
        _breaker = new ResiliencePipelineBuilder { TimeProvider = time }
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions
            {
                FailureRatio = options.FailureRatio,
                SamplingDuration = options.SamplingDuration,
                MinimumThroughput = options.MinimumCalls,
                BreakDuration = options.BreakDuration,
                StateProvider = _circuit,
                ShouldHandle = static args => new(args.Outcome.Exception is IOException or TimeoutRejectedException || args.Outcome.Result is IOutcome { Status: StoreStatus.Unavailable }),
                OnOpened = args =>
                {
                    var why = (args.Outcome.Result as IOutcome)?.Detail ?? args.Outcome.Exception?.Message;
                    _broken = $"The far store is not asked for {args.BreakDuration.TotalSeconds:0.#} s, because it failed lately: {why}";
                    LogOpened(args.BreakDuration, why);
                    return default;
                },
                OnClosed = _ =>
                {
                    _broken = null;
                    LogClosed();
                    return default;
                },
            })
            .Build();
        _calls = new ResiliencePipelineBuilder { TimeProvider = time }.AddPipeline(_breaker).AddTimeout(options.Timeout).Build();
    }

    /// <inheritdoc/>
    public StoreState State => _broken is { } broken ? _inner.State with { Fault = broken } : _inner.State;

    /// <inheritdoc/>
    public ValueTask<Outcome<IBlobReader>> OpenReadAsync(BlobKey key, ByteRange expected, CancellationToken cancellationToken) =>
        CallAsync(t => _inner.OpenReadAsync(key, expected, t), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<Outcome<BlobMetadata>> StatAsync(BlobKey key, CancellationToken cancellationToken) =>
        CallAsync(t => _inner.StatAsync(key, t), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<Outcome<BlobMetadata>> DeleteAsync(BlobKey key, BlobCondition? condition, CancellationToken cancellationToken) =>
        CallAsync(t => _inner.DeleteAsync(key, condition, t), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<Outcome<IBlobWriter>> OpenWriteAsync(BlobKey key, PutOptions options, CancellationToken cancellationToken)
    {
        // To open a writer may be no call at all, so it says nothing of how the store is; the commit does. The breaker sees only at a call that the break is over: where there are
        // nothing but writes, a look is the one that tries again.
        if (_circuit.CircuitState != CircuitState.Closed && await StatAsync(key, cancellationToken).ConfigureAwait(false) is { Status: StoreStatus.Unavailable } found)
            return Outcome<IBlobWriter>.Fail(StoreStatus.Unavailable, found.Detail ?? Broken);
        var opened = await _inner.OpenWriteAsync(key, options, cancellationToken).ConfigureAwait(false);
        return opened.IsOk ? new GuardedWriter(this, opened.Value) : opened;
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<BlobListing> ListAsync(BlobPrefix prefix, CancellationToken cancellationToken) => _inner.ListAsync(prefix, cancellationToken);

    /// <inheritdoc/>
    public long GetGeneration(BlobKey key) => _inner.GetGeneration(key);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _inner.DisposeAsync().ConfigureAwait(false);
        _slots.Dispose();
    }

    private string Broken => _broken ?? "The far store is not asked, because it failed lately.";

    private async ValueTask<Outcome<T>> CallAsync<T>(Func<CancellationToken, ValueTask<Outcome<T>>> call, CancellationToken cancellationToken)
        where T : class
    {
        if (!await _slots.WaitAsync(_timeout, cancellationToken).ConfigureAwait(false))
            return Outcome<T>.Fail(StoreStatus.Unavailable, "Too many calls wait for the far store.");
        try
        {
            return await RunAsync(_calls, call, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _slots.Release();
        }
    }

    private async ValueTask<Outcome<T>> RunAsync<T>(ResiliencePipeline pipeline, Func<CancellationToken, ValueTask<Outcome<T>>> call, CancellationToken cancellationToken)
        where T : class
    {
        try
        {
            return await pipeline.ExecuteAsync(static (state, t) => state(t), call, cancellationToken).ConfigureAwait(false);
        }
        catch (BrokenCircuitException)
        {
            return Outcome<T>.Fail(StoreStatus.Unavailable, Broken);
        }
        catch (TimeoutRejectedException)
        {
            return Outcome<T>.Fail(StoreStatus.Unavailable, $"The far store did not answer within {_timeout.TotalSeconds:0.#} s.");
        }
    }

    [LoggerMessage(LogLevel.Error, "The far store is not called for {Time}, because it failed lately: {Why}")]
    private partial void LogOpened(TimeSpan time, string? why);

    [LoggerMessage(LogLevel.Information, "The far store answers again")]
    private partial void LogClosed();

    /// <summary>A writer whose commit tells how the store is. What it takes as long as it takes has the store's own time-outs.</summary>
    private sealed class GuardedWriter(ResilientStore store, IBlobWriter inner) : IBlobWriter
    {
        public ValueTask<StoreStatus> WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => inner.WriteAsync(content, cancellationToken);

        public ValueTask<Outcome<PutReceipt>> CommitAsync(CancellationToken cancellationToken) => store.RunAsync(store._breaker, inner.CommitAsync, cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
