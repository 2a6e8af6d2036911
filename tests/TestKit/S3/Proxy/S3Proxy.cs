using System.Collections.Concurrent;
using System.Net.Sockets;

namespace EdgeCache.TestKit;

/// <summary>
/// Stands between a client and a real S3 server, on a port of its own: counts what is asked, adds the time of a far network, and lets go wrong what the test wants. Every head
/// passes unchanged, with the Host that the client has signed. Of a body, no more than two buffers a connection are held. For addresses in path style, over cleartext HTTP/1.1.
/// </summary>
public sealed class S3Proxy : IAsyncDisposable
{
    private readonly Uri _server;
    private readonly LoopbackServer _listener;
    private readonly ConcurrentQueue<S3Request> _requests = [];
    private readonly ConcurrentQueue<S3Rule> _rules = [];
    private readonly ConcurrentQueue<S3Gate> _gates = [];
    private long _roundTripTicks;

    /// <summary>A proxy that changes nothing yet.</summary>
    /// <param name="server">The server, over cleartext.</param>
    /// <param name="time">Clock of the shaping; null for the system's.</param>
    public S3Proxy(Uri server, TimeProvider? time = null)
    {
        _server = server;
        Time = time ?? TimeProvider.System;
        Pace = new Pace(Time);
        _listener = new LoopbackServer(ServeAsync);
    }

    /// <summary>Where clients go.</summary>
    public Uri Endpoint => new($"http://127.0.0.1:{_listener.Port}");

    /// <summary>All requests since the start, or the last <see cref="Forget"/>, in the order in which their heads came.</summary>
    public IReadOnlyCollection<S3Request> Requests => _requests;

    /// <summary>Time added to each request before the server sees it.</summary>
    public TimeSpan RoundTrip
    {
        get => new(Volatile.Read(ref _roundTripTicks));
        set => Volatile.Write(ref _roundTripTicks, value.Ticks);
    }

    /// <summary>Limit of all bodies together, in both directions; null for none.</summary>
    public long? BytesPerSecond
    {
        get => Pace.BytesPerSecond;
        set => Pace.BytesPerSecond = value;
    }

    internal TimeProvider Time { get; }

    internal Pace Pace { get; }

    /// <summary>How many requests of a kind there were.</summary>
    /// <param name="call">The kind.</param>
    /// <param name="name">The object's whole name; null for any.</param>
    public int Count(S3Call call, string? name = null) => _requests.Count(r => r.Call == call && (name is null || r.Name == name));

    /// <summary>Counts from zero on.</summary>
    public void Forget() => _requests.Clear();

    /// <summary>Lets something go wrong. Of several rules the first that applies is taken.</summary>
    /// <param name="fault">What.</param>
    /// <param name="applies">With which requests.</param>
    /// <param name="skip">How many of these pass first.</param>
    /// <param name="times">With how many it goes wrong then.</param>
    public S3Rule Fail(S3Fault fault, Func<S3Request, bool> applies, int skip = 0, int times = int.MaxValue)
    {
        var rule = new S3Rule(applies, fault, skip, times);
        _rules.Enqueue(rule);
        return rule;
    }

    /// <summary>Ends all faults; those that are under way go on.</summary>
    public void Heal() => _rules.Clear();

    /// <summary>Holds requests until the gate is opened.</summary>
    /// <param name="applies">Which.</param>
    /// <param name="bodyOffset">How much of the answer's body passes first; null to hold the request before the server sees it.</param>
    public S3Gate Hold(Func<S3Request, bool> applies, long? bodyOffset = null)
    {
        var gate = new S3Gate(applies, bodyOffset);
        _gates.Enqueue(gate);
        return gate;
    }

    /// <summary>Breaks all connections and refuses new ones, as a server does that is down.</summary>
    public Task RefuseAsync() => _listener.RefuseAsync();

    /// <summary>Takes connections again.</summary>
    public void Accept() => _listener.Accept();

    public ValueTask DisposeAsync() => _listener.DisposeAsync();

    /// <summary>Notes a request, holds it as long as the test and the network want, and tells what goes wrong with it.</summary>
    internal async Task<S3Fault?> ReceiveAsync(S3Request request, CancellationToken cancellationToken)
    {
        _requests.Enqueue(request);
        var fault = _rules.FirstOrDefault(r => r.Take(request))?.Fault;
        if (_gates.FirstOrDefault(g => g.BodyOffset is null && g.Holds(request)) is { } gate)
            await gate.PassAsync(cancellationToken);
        if (RoundTrip > TimeSpan.Zero)
            await Task.Delay(RoundTrip, Time, cancellationToken);
        return fault;
    }

    /// <summary>The gate within the body of a request's answer.</summary>
    internal S3Gate? BodyGate(S3Request request) => _gates.FirstOrDefault(g => g.BodyOffset is not null && g.Holds(request));

    internal async Task<TcpClient> ConnectAsync(CancellationToken cancellationToken)
    {
        var server = new TcpClient { NoDelay = true };
        try
        {
            await server.ConnectAsync(_server.Host, _server.Port, cancellationToken);
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    private async Task ServeAsync(NetworkStream stream, CancellationToken cancellationToken)
    {
        using var connection = new S3ProxyConnection(this, new HttpPeer(stream), cancellationToken);
        await connection.ServeAsync();
    }
}
