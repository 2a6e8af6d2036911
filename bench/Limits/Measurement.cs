using System.Globalization;
using System.Net;
using EdgeCache.Edge.Access;
using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Limits;
using Microsoft.AspNetCore.Http;

namespace EdgeCache.Bench.Limits;

/// <summary>Prints one line a measurement: nanoseconds and allocated bytes for one decision, the median of five runs.</summary>
internal sealed class Measurement
{
    private const int Rounds = 5;
    private const int Batch = 10_000;
    private const int Attack = 1_000_000;

    private readonly TimeSpan _time;
    private readonly ClientAddress[] _addresses;
    private readonly Principal[] _principals;
    private readonly LimitState _state;
    private readonly RequestLimiter _limiter;

    public Measurement(int clients, TimeSpan time)
    {
        _time = time / Rounds;
        var random = new Random(1);
        _addresses = [.. Enumerable.Range(0, clients).Select(i => ClientAddress.Of(new IPAddress(0x0A000000L + i)))];
        random.Shuffle(_addresses);
        _principals = [.. Enumerable.Range(0, 1_000).Select(i => new Principal($"builder-{i}") { Scopes = Scopes.All })];
        var options = new EdgeCacheOptions { RateLimits = { Enabled = true, Global = Generous(), Address = Generous(), Principal = Generous() } };
        options.Namespaces["artifacts"].Rate = Generous();
        _state = new LimitState(new LiveSettings(new EdgeSettings(options, "secret")));
        _limiter = new RequestLimiter(_state, new LimitClock(TimeProvider.System));
    }

    public void Run()
    {
        Console.WriteLine("| what | threads | ns | allocated bytes |");
        Console.WriteLine("|---|---|---|---|");
        foreach (var threads in (int[])[1, 2])
        {
            Report("request without credentials: all, address, namespace", threads, i =>
            {
                _limiter.AdmitClient(_addresses[i % _addresses.Length], null);
                _limiter.AdmitPrincipal(Principal.Anonymous, "artifacts");
            });
            Report("request of a known principal: all, principal, namespace", threads, i =>
            {
                _limiter.AdmitClient(_addresses[i % _addresses.Length], Recollection.Good);
                _limiter.AdmitPrincipal(_principals[i % _principals.Length], "artifacts");
            });
            Report("content charged: all, principal, namespace", threads, i => _limiter.ChargeBytes(_principals[i % _principals.Length], _addresses[0], "artifacts", 65_536));
        }
        ReportAuthentication();
        ReportMemory();
    }

    private static RateOptions Generous() => new() { RequestsPerSecond = 1_000_000, Burst = 1_000_000, BytesPerSecond = ByteSize.FromGiB(1_000) };

    private void ReportAuthentication()
    {
        var settings = new LiveSettings(new EdgeSettings(new EdgeCacheOptions(), "ect_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"));
        var reader = new TokenReader(new TokenDirectory(settings, new TokenListHolder(TokenList.Absent)), TimeProvider.System);
        Report("token on a connection that knows it", 1, Ask(warm: true));
        Report("token on a connection that knows it, sent as another text", 1, AskAnew());
        Report("token on a new connection", 1, Ask(warm: false));

        Action<int> Ask(bool warm)
        {
            var context = Request();
            if (warm)
                context.Features.Set(new ConnectionMemory());
            return _ => reader.Read(context);
        }

        Action<int> AskAnew()
        {
            DefaultHttpContext[] contexts = [Request(), Request()];
            var memory = new ConnectionMemory();
            foreach (var context in contexts)
                context.Features.Set(memory);
            return i => reader.Read(contexts[i & 1]);
        }

        DefaultHttpContext Request()
        {
            var context = new DefaultHttpContext();
            context.Request.Headers.Authorization = new string("Bearer " + settings.Current.Token);
            return context;
        }
    }

    private void ReportMemory()
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var table = new LimitTable(new RateLimitOptions().MaxClients);
        foreach (var address in _addresses)
            table.GetOrAdd(address.Id, 1).Requests = 2;
        var after = GC.GetTotalMemory(forceFullCollection: true);
        Print($"{table.Count(1):N0} of {_addresses.Length:N0} clients in a table for {table.Capacity:N0}: {(after - before) / (double)table.Count(1):0.0} bytes each, {after - before:N0} in all");
        for (ulong i = 1; i <= Attack; i++)
            table.GetOrAdd(0x2001_0DB8_0000_0000 + i, 1).Requests = 2;
        var attacked = GC.GetTotalMemory(forceFullCollection: true);
        Print($"after {Attack:N0} more addresses: {table.Count(1):N0} clients, {attacked - before:N0} bytes");
        GC.KeepAlive(table);
    }

    private void Report(string what, int threads, Action<int> decide)
    {
        // Once for what is made once: tables, and code that is fast.
        _ = Measure(threads, decide);
        var runs = Enumerable.Range(0, Rounds).Select(_ => Measure(threads, decide)).ToList();
        Print($"| {what} | {threads} | {runs.Select(r => r.Nanoseconds).Order().ElementAt(Rounds / 2):0} | {runs.Max(r => r.Bytes):0.###} |");
    }

    private (double Nanoseconds, double Bytes) Measure(int threads, Action<int> decide)
    {
        var results = new (long Count, TimeSpan Time, long Bytes)[threads];
        var workers = Enumerable.Range(0, threads).Select(t => new Thread(() => results[t] = Loop(decide, t * (_addresses.Length / threads)))).ToList();
        workers.ForEach(w => w.Start());
        workers.ForEach(w => w.Join());
        return (results.Average(r => r.Time.TotalNanoseconds / r.Count), results.Sum(r => (double)r.Bytes) / results.Sum(r => r.Count));
    }

    private (long Count, TimeSpan Time, long Bytes) Loop(Action<int> decide, int first)
    {
        var began = TimeProvider.System.GetTimestamp();
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var count = 0;
        while (TimeProvider.System.GetElapsedTime(began) < _time)
        {
            for (var i = 0; i < Batch; i++)
                decide(first + count + i);
            count += Batch;
        }
        return (count, TimeProvider.System.GetElapsedTime(began), GC.GetAllocatedBytesForCurrentThread() - allocated);
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
