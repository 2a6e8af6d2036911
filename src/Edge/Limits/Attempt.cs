using EdgeCache.Edge.Access;

namespace EdgeCache.Edge.Limits;

/// <summary>
/// A try at credentials that a request has been charged for. Travels with the request as a feature until it is known what came of it: good credentials were no try, and neither was
/// a request that ended before anybody looked at them.
/// </summary>
internal sealed class Attempt(RequestLimiter limiter, ClientAddress address)
{
    private bool _isSettled;

    /// <summary>It was one: it stays charged.</summary>
    public void Keep() => _isSettled = true;

    /// <summary>It was none, unless it was settled before.</summary>
    public void Return()
    {
        if (_isSettled)
            return;
        _isSettled = true;
        limiter.ReturnAttempt(address);
    }
}
