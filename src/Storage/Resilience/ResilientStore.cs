using Microsoft.Extensions.Logging;
using Polly;
using Polly.CircuitBreaker;
using Polly.Timeout;

namespace EdgeCache.Storage.Resilience;

/// <summary>
/// A far store behind a circuit breaker: when most calls fail it is not called for a while, so that nobody waits for what will not come. Calls have a time-out and a
/// bound on their number. Calls are repeated by the store itself, which knows what may be; here a call is made once. Content streams past all this.
/// </summary>
#pragma warning disable CA1001 // A call may end after the store has closed; without a wait handle the semaphore holds nothing of the system.
public sealed partial class ResilientStore : IBlobStore
#pragma warning restore CA1001
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
                ShouldHandle = args => new(args.Outcome.Exception is IOException or TimeoutRejectedException || IsFailure(args.Outcome.Result as IOutcome, options)),
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
    public ValueTask DisposeAsync() => _inner.DisposeAsync();

    private static bool IsFailure(IOutcome? outcome, ResilienceOptions options) =>
        outcome is { Status: StoreStatus.Unavailable } && !(outcome.Detail is { } detail && options.IsAboutRequest(detail));

    private string Broken => _broken ?? "The far store is not asked, because it failed lately.";

    private async ValueTask<Outcome<T>> CallAsync<T>(Func<CancellationToken, ValueTask<Outcome<T>>> call, CancellationToken cancellationToken)
        where T : class
    {
        if (!await _slots.WaitAsync(_timeout, cancellationToken).ConfigureAwait(false))
            return Outcome<T>.Fail(StoreStatus.Unavailable, "Too many calls wait for the far store.");

        // That a caller leaves says nothing of how the store is: the call goes on without him, for its time at most, and its own end counts.
        var running = RunHeldAsync(call);
        try
        {
            return await running.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _ = DropAsync(running);
            throw;
        }
    }

    private async Task<Outcome<T>> RunHeldAsync<T>(Func<CancellationToken, ValueTask<Outcome<T>>> call)
        where T : class
    {
        try
        {
            return await RunAsync(_calls, call, CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            _slots.Release();
        }
    }

    /// <summary>Closes what a call brings that nobody waits for any more.</summary>
    private async Task DropAsync<T>(Task<Outcome<T>> running)
        where T : class
    {
        try
        {
            if ((await running.ConfigureAwait(false)).Value is IAsyncDisposable reader)
                await reader.DisposeAsync().ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whoever would have been told has left.
        catch (Exception error)
#pragma warning restore CA1031
        {
            LogDropped(error);
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

    [LoggerMessage(LogLevel.Debug, "A call of the far store failed that nobody waited for any more")]
    private partial void LogDropped(Exception error);

    [LoggerMessage(LogLevel.Information, "The far store answers again")]
    private partial void LogClosed();

    /// <summary>A writer whose commit tells how the store is. What it takes as long as it takes has the store's own time-outs.</summary>
    private sealed class GuardedWriter(ResilientStore store, IBlobWriter inner) : IBlobWriter
    {
        public ValueTask<StoreStatus> WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => inner.WriteAsync(content, cancellationToken);

        public ValueTask<Outcome<PutReceipt>> CommitAsync(CancellationToken cancellationToken)
        {
            // Once begun it is finished, with the store's own time-outs: given up in the middle, it would count, and say nothing.
            cancellationToken.ThrowIfCancellationRequested();
            return store.RunAsync(store._breaker, inner.CommitAsync, CancellationToken.None);
        }

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
