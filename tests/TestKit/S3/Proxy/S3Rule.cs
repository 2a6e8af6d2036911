namespace EdgeCache.TestKit;

/// <summary>A fault or a gate for some of the requests.</summary>
public sealed class S3Rule
{
    private readonly Func<S3Request, bool> _applies;
    private readonly int _skip;
    private readonly int _times;
    private int _seen;

    internal S3Rule(Func<S3Request, bool> applies, S3Fault? fault, int skip, int times)
    {
        _applies = applies;
        _skip = skip;
        _times = times;
        Fault = fault;
    }

    /// <summary>How many requests it has been applied to.</summary>
    public int Hits => Math.Clamp(Volatile.Read(ref _seen) - _skip, 0, _times);

    internal S3Fault? Fault { get; }

    internal bool Take(S3Request request)
    {
        if (!_applies(request))
            return false;
        var number = Interlocked.Increment(ref _seen) - _skip;
        return number >= 1 && number <= _times;
    }
}

/// <summary>Holds requests before the server sees them, or their answers at some place of the body, until the test lets them go.</summary>
public sealed class S3Gate
{
    private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Func<S3Request, bool> _applies;

    internal S3Gate(Func<S3Request, bool> applies, long? bodyOffset)
    {
        _applies = applies;
        BodyOffset = bodyOffset;
    }

    /// <summary>How much of the answer's body passes first; null to hold the request.</summary>
    internal long? BodyOffset { get; }

    /// <summary>Ends when the first request is held.</summary>
    public Task Reached => _reached.Task;

    /// <summary>Lets everything through, from now on.</summary>
    public void Open() => _open.TrySetResult();

    internal bool Holds(S3Request request) => !_open.Task.IsCompleted && _applies(request);

    internal async Task PassAsync(CancellationToken cancellationToken)
    {
        _reached.TrySetResult();
        await _open.Task.WaitAsync(cancellationToken);
    }
}
