using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using EdgeCache.Edge.Transport;
using EdgeCache.TestKit;

namespace EdgeCache.Edge.Tests.Transport;

public sealed class SocketPipeWriterTests : IAsyncLifetime
{
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(30), TimeProvider.System);
    private readonly Pipe _transport = new();
    private Socket _server = null!;
    private Socket _client = null!;
    private SocketPipeWriter _writer = null!;

    public async ValueTask InitializeAsync()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        _client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 16_384 };
        await _client.ConnectAsync(listener.LocalEndpoint, _limit.Token);
        _server = await listener.AcceptSocketAsync(_limit.Token);
        _server.SendBufferSize = 16_384;
        _writer = new SocketPipeWriter(_server, _transport.Writer);
    }

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        _server.Dispose();
        _limit.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Writes_of_all_sizes_between_flushes_arrive_in_order()
    {
        var content = Blobs.Bytes(3_000_000);
        var reading = ReadAsync(content.Length);
        var random = new Random(5);
        for (var sent = 0; sent < content.Length;)
        {
            var part = Math.Min(random.Next(1, random.Next(1, 200_000)), content.Length - sent);
            _writer.Write(content.AsSpan(sent, part));
            sent += part;
            if (random.Next(3) == 0)
                (await _writer.FlushAsync(_limit.Token)).IsCompleted.ShouldBeFalse();
        }
        await _writer.FlushAsync(_limit.Token);
        _writer.UnflushedBytes.ShouldBe(0);
        (await reading).ShouldBe(content);
    }

    [Fact]
    public async Task A_flush_waits_for_a_client_that_does_not_read()
    {
        var content = Blobs.Bytes(8_000_000);
        _writer.Write(content);
        var flush = _writer.FlushAsync(_limit.Token).AsTask();
        flush.IsCompleted.ShouldBeFalse();
        (await ReadAsync(content.Length)).ShouldBe(content);
        (await flush).IsCompleted.ShouldBeFalse();
    }

    [Fact]
    public async Task Nothing_is_sent_after_a_flush_that_was_cancelled()
    {
        using var cancel = new CancellationTokenSource();
        _writer.Write(Blobs.Bytes(8_000_000));
        var flush = _writer.FlushAsync(cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => flush);

        _writer.Write("after the gap"u8);
        (await _writer.FlushAsync(_limit.Token)).IsCompleted.ShouldBeTrue();
        _writer.Write("and at the end"u8);
        await _writer.CompleteAsync();
        (await _transport.Reader.ReadAsync(_limit.Token)).Buffer.IsEmpty.ShouldBeTrue();
        _server.Shutdown(SocketShutdown.Send);
        var arrived = await ReadAsync(8_000_000);
        Blobs.Bytes(8_000_000).AsSpan().StartsWith(arrived).ShouldBeTrue();
        arrived.Length.ShouldBeLessThan(8_000_000);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_flush_to_a_connection_that_has_ended_says_so(bool byClient)
    {
        _writer.Write(Blobs.Bytes(8_000_000));
        var flush = _writer.FlushAsync(_limit.Token).AsTask();
        if (byClient)
            _client.Close(0);
        else
            _server.Dispose();
        (await flush).IsCompleted.ShouldBeTrue();
        _writer.Write("more"u8);
        (await _writer.FlushAsync(_limit.Token)).IsCompleted.ShouldBeTrue();
    }

    [Fact]
    public async Task What_was_not_flushed_goes_out_when_the_output_ends_well()
    {
        _writer.Write("last"u8);
        await _writer.CompleteAsync();
        var rest = await _transport.Reader.ReadAsync(_limit.Token);
        rest.Buffer.ToArray().ShouldBe("last"u8.ToArray());
        rest.IsCompleted.ShouldBeTrue();
    }

    [Fact]
    public async Task Cancelling_pending_flushes_gives_the_connection_up()
    {
        _writer.Write(Blobs.Bytes(8_000_000));
        var flush = _writer.FlushAsync(_limit.Token).AsTask();
        _writer.CancelPendingFlush();

        // The transport sees its output end, and closes the socket.
        (await _transport.Reader.ReadAsync(_limit.Token)).IsCompleted.ShouldBeTrue();
        _server.Dispose();
        (await flush).IsCompleted.ShouldBeTrue();
    }

    /// <summary>So many bytes, or fewer when the connection ends before.</summary>
    private async Task<byte[]> ReadAsync(int length)
    {
        var content = new byte[length];
        var read = 0;
        while (read < length && await _client.ReceiveAsync(content.AsMemory(read), _limit.Token) is > 0 and var part)
            read += part;
        return content[..read];
    }
}
