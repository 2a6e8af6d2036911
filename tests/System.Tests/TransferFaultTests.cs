using System.Net;
using System.Net.Sockets;
using System.Text;
using EdgeCache.TestKit;

namespace EdgeCache.System.Tests;

/// <summary>Bodies that are not what they should be: too slow, cut, or longer or shorter than announced. Nothing of them is published, and the node lives on.</summary>
public sealed class TransferFaultTests : IAsyncLifetime
{
    private const string ChunkedAndAnotherRequest = "3\r\nabc\r\n0\r\n\r\nGET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private NodeProcess _node = null!;

    public async ValueTask InitializeAsync() => _node = await NodeProcess.StartAsync(new NodeSetup
    {
        Environment = Variables.Of(
            ("EdgeCache__Limits__MinBodyBytesPerSecond", "1000"),
            ("EdgeCache__Limits__BodyGracePeriod", "2s"),
            ("EdgeCache__Limits__HeaderTimeout", "2s"),
            ("EdgeCache__Namespaces__live__Replaceable", "true")),
    });

    public ValueTask DisposeAsync() => _node.DisposeAsync();

    [Fact]
    public async Task A_body_that_trickles_is_answered_with_408_and_not_published()
    {
        using var socket = await SendAsync(Put("/artifacts/slow", "Content-Length: 100000"));
        var trickle = TrickleAsync(socket);
        var answer = await ReadToEndAsync(socket);
        await trickle.WaitAsync(Soon);
        answer.ShouldStartWith("HTTP/1.1 408 ");
        await AssertAbsentAsync("/artifacts/slow");
    }

    [Fact]
    public async Task A_chunked_body_that_trickles_is_answered_with_408_and_not_published()
    {
        using var socket = await SendAsync(Put("/artifacts/slow", "Transfer-Encoding: chunked") + "fffff\r\n");
        var trickle = TrickleAsync(socket);
        var answer = await ReadToEndAsync(socket);
        await trickle.WaitAsync(Soon);
        answer.ShouldStartWith("HTTP/1.1 408 ");
        await AssertAbsentAsync("/artifacts/slow");
    }

    [Fact]
    public async Task A_header_that_never_ends_is_answered_with_408()
    {
        using var socket = await SendAsync("PUT /artifacts/slow HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Never");
        (await ReadToEndAsync(socket)).ShouldStartWith("HTTP/1.1 408 ");
        await AssertAbsentAsync("/artifacts/slow");
    }

    [Theory]
    [InlineData("Content-Length: 100000", "half")]
    [InlineData("Transfer-Encoding: chunked", "fffff\r\nhalf")]
    [InlineData("Transfer-Encoding: chunked", "4\r\nhalf\r\n")]
    [InlineData("Transfer-Encoding: chunked", "4\r\nhalf\r\n0\r\n")]
    public async Task A_body_whose_connection_is_cut_is_not_published(string framing, string body)
    {
        await CutAsync("/artifacts/cut", framing, body);
        await AssertAbsentAsync("/artifacts/cut");
    }

    [Fact]
    public async Task A_body_shorter_than_announced_is_refused_and_not_published()
    {
        using var socket = await SendAsync(Put("/artifacts/short", "Content-Length: 11") + "ten letters"[..10]);
        socket.Shutdown(SocketShutdown.Send);
        (await ReadToEndAsync(socket)).ShouldNotContain(" 201 ");
        await AssertAbsentAsync("/artifacts/short");
    }

    [Fact]
    public async Task Of_a_body_longer_than_announced_what_was_announced_is_stored_and_the_rest_is_no_request()
    {
        using var socket = await SendAsync(Put("/artifacts/long", "Content-Length: 3") + "abcDELETE-ME\r\n\r\n");
        var answer = await ReadToEndAsync(socket);
        answer.ShouldStartWith("HTTP/1.1 201 ");
        answer.ShouldContain("HTTP/1.1 400 ");
        (await _node.Client.GetStringAsync("/artifacts/long")).ShouldBe("abc");
    }

    [Theory]
    [InlineData("Content-Length: 3\r\nContent-Length: 4")]
    [InlineData("Content-Length: -1")]
    [InlineData("Content-Length: 99999999999999999999")]
    [InlineData("Transfer-Encoding: gzip, chunked, gzip")]
    public async Task Contradictory_framing_publishes_nothing_that_two_readers_could_understand_differently(string framing)
    {
        using var socket = await SendAsync(Put("/artifacts/smuggled", framing) + ChunkedAndAnotherRequest);
        var answer = await ReadToEndAsync(socket);
        answer.ShouldStartWith("HTTP/1.1 400 ");
        answer.Split("HTTP/1.1 ").Length.ShouldBe(2, "one answer, then the end of the connection");
        await AssertAbsentAsync("/artifacts/smuggled");
    }

    [Fact]
    public async Task With_a_length_and_chunks_the_chunks_count_and_nothing_after_them_is_taken_for_a_request()
    {
        using var socket = await SendAsync(Put("/artifacts/both", "Content-Length: 5\r\nTransfer-Encoding: chunked") + ChunkedAndAnotherRequest);
        var answer = await ReadToEndAsync(socket);
        answer.ShouldStartWith("HTTP/1.1 201 ");
        answer.Split("HTTP/1.1 ").Length.ShouldBe(2, "one answer, then the end of the connection");
        (await _node.Client.GetStringAsync("/artifacts/both")).ShouldBe("abc");
    }

    [Fact]
    public async Task A_cut_replacement_leaves_the_old_value()
    {
        using var first = new StringContent("old");
        (await _node.Client.PutAsync("/cache/live/value", first)).StatusCode.ShouldBe(HttpStatusCode.Created);
        await CutAsync("/cache/live/value", "Content-Length: 1000000", new string('x', 500_000));
        (await _node.Client.GetStringAsync("/cache/live/value")).ShouldBe("old");
        AssertNoFaultLogged();
    }

    private static string Put(string path, string framing) => $"PUT {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{framing}\r\n\r\n";

    private async Task<Socket> SendAsync(string text)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, _node.Url.Port);
        await socket.SendAsync(Encoding.ASCII.GetBytes(text));
        return socket;
    }

    /// <summary>Sends a part of a body once the node asks for it, resets the connection, and waits until the node has dealt with that.</summary>
    private async Task CutAsync(string path, string framing, string part)
    {
        using var socket = await SendAsync(Put(path, $"{framing}\r\nExpect: 100-continue"));
        var buffer = new byte[100];
        var count = await socket.ReceiveAsync(buffer).WaitAsync(Soon);
        Encoding.ASCII.GetString(buffer, 0, count).ShouldStartWith("HTTP/1.1 100 ");
        await socket.SendAsync(Encoding.ASCII.GetBytes(part));
        socket.Close(timeout: 0);
        var counted = "";
        await Eventually.TrueAsync(async () => (counted = await CountedPutsAsync()).Contains("PUT", StringComparison.Ordinal), Soon, "the cut request has ended");
        counted.ShouldContain("status=\"499\"");
    }

    /// <summary>The lines of the metrics that count PUTs which answered or failed by a cut: the one that a test stored before is left out.</summary>
    private async Task<string> CountedPutsAsync() => string.Join(
        '\n',
        (await _node.Client.GetStringAsync("/metrics")).Split('\n').Where(l => l.StartsWith("builder_cache_requests_total{method=\"PUT\"", StringComparison.Ordinal) && !l.Contains("\"201\"", StringComparison.Ordinal)));

    private static async Task TrickleAsync(Socket socket)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100), TimeProvider.System);
        try
        {
            while (await timer.WaitForNextTickAsync())
                await socket.SendAsync("x"u8.ToArray());
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // The node has ended the connection: that is what the test waits for.
        }
    }

    private static async Task<string> ReadToEndAsync(Socket socket)
    {
        using var limit = new CancellationTokenSource(Soon);
        var text = new StringBuilder();
        var buffer = new byte[4096];
        try
        {
            while (await socket.ReceiveAsync(buffer, limit.Token) is > 0 and var count)
                text.Append(Encoding.ASCII.GetString(buffer, 0, count));
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.ConnectionReset && text.Length > 0)
        {
            // An answer, and then a reset because not all of the body was read.
        }
        return text.ToString();
    }

    /// <summary>What a client does wrong is no error of the node.</summary>
    private void AssertNoFaultLogged()
    {
        if (_node.Output.Contains(" fail: ", StringComparison.Ordinal))
            Assert.Fail(_node.Output);
    }

    private async Task AssertAbsentAsync(string path)
    {
        var tmp = Path.Combine(_node.Folder, "store", "tmp");
        await Eventually.TrueAsync(() => !Directory.EnumerateFiles(tmp, "*", SearchOption.AllDirectories).Any(), Soon, "the temporary file of the upload is removed");
        using var answer = await _node.Client.GetAsync(path);
        answer.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await _node.Client.GetAsync("/health")).StatusCode.ShouldBe(HttpStatusCode.OK);
        AssertNoFaultLogged();
    }
}
