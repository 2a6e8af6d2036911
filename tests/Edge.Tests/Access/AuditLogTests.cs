using System.Collections.Concurrent;
using System.Net.Http.Headers;
using EdgeCache.Edge.Access;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace EdgeCache.Edge.Tests.Access;

public sealed class AuditLogTests
{
    [Fact]
    public async Task Who_was_denied_what_is_told_and_no_secret_is()
    {
        using var log = new CollectingLogger();
        await using var node = await TokenNode.StartAsync([TokenNode.Token("reader", "read")], log.AddTo);
        await node.SendAsync(HttpMethod.Get, "/artifacts/one?X-Signature=hidden-in-the-query", new AuthenticationHeaderValue("Bearer", "hidden-guess"));
        await node.SendAsync(HttpMethod.Put, "/artifacts/two", TokenNode.Bearer("reader"), [1]);
        await node.SendAsync(HttpMethod.Get, "/artifacts/three%0ADenied:%20made%20up", null);
        await node.SendAsync(HttpMethod.Get, "/artifacts/fine", TokenNode.Bearer("reader"));
        await node.SendAsync(HttpMethod.Get, "/admin/reputation", new AuthenticationHeaderValue("Bearer", TestNode.Token));

        // A call is written when its answer has been.
        await TestKit.Eventually.TrueAsync(() => log.Lines.Count >= 3, TimeSpan.FromSeconds(20), "the call is in the log");
        log.Lines.ToArray().ShouldBe(
        [
            "Denied: - (by nothing) from 127.0.0.1: GET /artifacts/one -> 401, wrong credentials",
            "Denied: reader (by token) from 127.0.0.1: PUT /artifacts/two -> 403, may not write here",
            "Admin: token (by token) from 127.0.0.1: GET /admin/reputation -> 200",
        ]);
        string.Join('\n', log.Lines).ShouldNotContain("hidden");
        string.Join('\n', log.Everything).ShouldNotContain("hidden-guess");
        string.Join('\n', log.Everything).ShouldNotContain("-secret");
    }

    [Fact]
    public async Task A_flood_of_denials_is_told_at_a_bounded_rate()
    {
        using var log = new CollectingLogger();
        await using var node = await TokenNode.StartAsync([], log.AddTo);
        for (var i = 0; i < 600; i++)
            await node.SendAsync(HttpMethod.Get, "/artifacts/one", null);
        log.Lines.Count.ShouldBeInRange(200, 500);
    }

    private sealed class CollectingLogger : ILoggerProvider, ILogger
    {
        private readonly ConcurrentQueue<string> _everything = new();
        private readonly ConcurrentQueue<string> _lines = new();

        public ConcurrentQueue<string> Lines => _lines;

        public ConcurrentQueue<string> Everything => _everything;

        public void AddTo(IServiceCollection services)
        {
            services.AddSingleton<ILoggerProvider>(this);
            services.Configure<LoggerFilterOptions>(o =>
            {
                o.Rules.Clear();
                o.MinLevel = LogLevel.Debug;
            });
        }

        public ILogger CreateLogger(string categoryName) => categoryName == AuditLog.Category ? this : new Other(_everything);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var line = formatter(state, exception);
            _everything.Enqueue(line);
            _lines.Enqueue(line);
        }

        public bool IsEnabled(LogLevel logLevel) => true;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public void Dispose()
        {
        }

        private sealed class Other(ConcurrentQueue<string> everything) : ILogger
        {
            public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => everything.Enqueue(formatter(state, exception));

            public bool IsEnabled(LogLevel logLevel) => true;

            public IDisposable? BeginScope<TState>(TState state)
                where TState : notnull => null;
        }
    }
}
