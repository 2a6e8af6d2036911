using System.Net;
using System.Net.Http.Headers;
using EdgeCache.Storage;
using Yarp.ReverseProxy;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.LoadBalancing;
using Yarp.ReverseProxy.Model;

namespace EdgeCache.Edge.Origins;

/// <summary>An answer, and whom it came from.</summary>
internal sealed record OriginAnswer(HttpResponseMessage Response, ClusterState Cluster, DestinationState Destination) : IDisposable
{
    public int Status => (int)Response.StatusCode;

    public void Dispose() => Response.Dispose();
}

/// <summary>
/// Makes calls to the destinations of a YARP cluster, with the cluster's own connections: its load balancing picks among those that are healthy, its passive health
/// check hears how each call ended, and a call that failed is made to another one.
/// </summary>
internal sealed class OriginClient(
    OriginTarget target, IProxyStateLookup proxy, IEnumerable<ILoadBalancingPolicy> balancing, IEnumerable<IPassiveHealthCheckPolicy> checks, NodeIdentity identity, TimeProvider time)
{
    /// <summary>Most destinations that one call is made to.</summary>
    private const int MaxAttempts = 3;

    private readonly Dictionary<string, ILoadBalancingPolicy> _balancing = balancing.ToDictionary(p => p.Name, StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, IPassiveHealthCheckPolicy> _checks = checks.ToDictionary(p => p.Name, StringComparer.OrdinalIgnoreCase);

    public OriginTarget Target => target;

    public TimeProvider Time => time;

    /// <summary>Makes a call. Ends with the header of the answer; its body has no time-out but those of the reads.</summary>
    /// <param name="method">The method; a GET or HEAD is repeated elsewhere whatever happened, another only when it had no effect.</param>
    /// <param name="key">The blob.</param>
    /// <param name="prepare">Adds header fields and content to each attempt.</param>
    /// <param name="canRepeat">Whether the content can be sent once more; null where there is none.</param>
    /// <param name="limit">Longest wait for the header of an answer; infinite where the content takes its time.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="OriginException">No destination answered, or those that did can't serve now.</exception>
    public async Task<OriginAnswer> SendAsync(HttpMethod method, BlobKey key, Action<HttpRequestMessage> prepare, Func<bool>? canRepeat, TimeSpan limit, CancellationToken cancellationToken)
    {
        if (key.Tenant.Length > 0)
            throw new OriginException(StoreStatus.Unavailable, "An HTTP origin has no tenants: its addresses have no place for one.");
        if (!proxy.TryGetCluster(target.Cluster, out var cluster))
            throw new OriginException(StoreStatus.Unavailable, $"There is no cluster '{target.Cluster}' any more (EdgeCache:Storage:Origin:Cluster).");
        var isRead = method == HttpMethod.Get || method == HttpMethod.Head;
        var tried = new List<DestinationState>(MaxAttempts);
        OriginException? fault = null;
        while (tried.Count < MaxAttempts && Pick(cluster, tried) is { } destination)
        {
            tried.Add(destination);
            try
            {
                var answer = new OriginAnswer(await CallAsync(cluster, destination, method, key, prepare, limit, cancellationToken), cluster, destination);
                var isFailing = OriginFaults.IsFailing(answer.Status);
                Report(answer, isFailing ? ForwarderError.Request : ForwarderError.None, null);
                if (!isFailing && answer.Status != StatusCodes.Status429TooManyRequests)
                    return answer;
                using (answer)
                    fault = OriginFaults.Unexpected(target, answer.Response);

                // Other than a refusal, a failure may have come after the effect.
                if (!isRead && answer.Status is not (StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable))
                    break;
            }
            catch (Exception error) when (!cancellationToken.IsCancellationRequested && OriginFaults.IsExpected(error))
            {
                Report(cluster, destination, ForwarderError.Request, error);
                fault = OriginFaults.Explain(target, error);
                if (!isRead && !OriginFaults.IsUnsent(error))
                    break;
            }
            if (canRepeat?.Invoke() == false)
                break;
        }
        throw fault ?? new OriginException(StoreStatus.Unavailable, $"{target.Name} has no destination that is healthy.");
    }

    /// <summary>Tells the cluster's passive health check how a call or the body of its answer ended.</summary>
    public void Report(OriginAnswer answer, ForwarderError result, Exception? error) => Report(answer.Cluster, answer.Destination, result, error);

    private void Report(ClusterState cluster, DestinationState destination, ForwarderError result, Exception? error)
    {
        if (cluster.Model.Config.HealthCheck?.Passive is not { Enabled: true } passive
            || !_checks.TryGetValue(passive.Policy ?? HealthCheckConstants.PassivePolicy.TransportFailureRate, out var check))
        {
            return;
        }

        // The policies take how a forwarded request ended from where YARP's forwarder puts it.
        var context = new DefaultHttpContext();
        if (result != ForwarderError.None)
            context.Features.Set<IForwarderErrorFeature>(new ForwarderFault(result, error));
        check.RequestProxied(context, cluster, destination);
    }

    private DestinationState? Pick(ClusterState cluster, List<DestinationState> tried)
    {
        var available = cluster.DestinationsState.AvailableDestinations;
        IReadOnlyList<DestinationState> left = tried.Count == 0 ? available : [.. available.Except(tried)];
        if (left.Count < 2)
            return left.Count == 0 ? null : left[0];
        var name = cluster.Model.Config.LoadBalancingPolicy ?? LoadBalancingPolicies.PowerOfTwoChoices;
        return _balancing[name].PickDestination(new DefaultHttpContext(), cluster, left);
    }

    private async Task<HttpResponseMessage> CallAsync(
        ClusterState cluster, DestinationState destination, HttpMethod method, BlobKey key, Action<HttpRequestMessage> prepare, TimeSpan limit, CancellationToken cancellationToken)
    {
        var config = destination.Model.Config;
        var forwarding = cluster.Model.Config.HttpRequest;

        // Not disposed: that would dispose content that may be sent to another destination. It holds nothing else.
        var request = new HttpRequestMessage(method, target.AddressOf(config.Address, key))
        {
            Version = forwarding?.Version ?? HttpVersion.Version20,
            VersionPolicy = forwarding?.VersionPolicy ?? HttpVersionPolicy.RequestVersionOrLower,
        };
        request.Headers.Host = config.Host;
        var path = RequestPath.Current;
        request.Headers.TryAddWithoutValidation(NodeIdentity.Field, identity.AppendLoop(path));
        request.Headers.TryAddWithoutValidation("Via", identity.AppendVia(path));
        request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
        if (target.Token is { } token)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        prepare(request);
        using var expired = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(expired.Token, cancellationToken);
        try
        {
            return await cluster.Model.HttpClient.SendAsync(request, either.Token);
        }
        catch (OperationCanceledException error) when (expired.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"No answer within {limit}.", error);
        }
    }

    private sealed class ForwarderFault(ForwarderError error, Exception? exception) : IForwarderErrorFeature
    {
        public ForwarderError Error => error;

        public Exception? Exception => exception;
    }
}
