using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using EdgeCache.Edge.Transport;
using EdgeCache.TestKit;
using Microsoft.Win32.SafeHandles;

namespace EdgeCache.Edge.Tests.Transport;

/// <summary>Parts of files that a <see cref="SocketPipeWriter"/> has the system send.</summary>
public sealed class FilePartTests : IAsyncLifetime
{
    private const int FileLength = 3_000_000;

    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(30), TimeProvider.System);
    private readonly TestFolder _folder = new();
    private readonly Pipe _transport = new();
    private readonly byte[] _content = Blobs.Bytes(FileLength);
    private SafeFileHandle _file = null!;
    private Socket _server = null!;
    private Socket _client = null!;
    private SocketPipeWriter _writer = null!;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Files are sent by the system on Linux alone.");
        await File.WriteAllBytesAsync(_folder.File("content"), _content, _limit.Token);
        _file = File.OpenHandle(_folder.File("content"), FileMode.Open, FileAccess.ReadWrite);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        _client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 16_384, NoDelay = true };
        await _client.ConnectAsync(listener.LocalEndpoint, _limit.Token);
        _server = await listener.AcceptSocketAsync(_limit.Token);
        _server.SendBufferSize = 16_384;

        // As the server does: from the first read on, its calls on the socket do not wait.
        var first = _server.ReceiveAsync(new byte[1], _limit.Token);
        await _client.SendAsync("."u8.ToArray(), _limit.Token);
        await first;
        _writer = new SocketPipeWriter(_server, _transport.Writer);
    }

    public ValueTask DisposeAsync()
    {
        _file.Dispose();
        _client.Dispose();
        _server.Dispose();
        _limit.Dispose();
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Parts_of_files_and_other_bytes_arrive_in_order()
    {
        using var expected = new MemoryStream();
        var flushes = new List<Func<Task>>();
        var random = new Random(9);
        for (var i = 0; i < 60; i++)
        {
            var header = Blobs.Bytes(random.Next(0, 3) == 0 ? 0 : random.Next(1, 30_000), seed: i);
            var (position, length) = (random.Next(FileLength / 2), random.Next(1, random.Next(2, 300_000)));
            expected.Write(header);
            expected.Write(_content, position, length);
            flushes.Add(async () =>
            {
                _writer.Write(header);
                _writer.TryWriteFile(_writer, _file, position, length).ShouldBeTrue();
                _writer.UnflushedBytes.ShouldBe(header.Length + length);
                (await _writer.FlushAsync(_limit.Token)).IsCompleted.ShouldBeFalse();
                _writer.UnflushedBytes.ShouldBe(0);
            });
        }
        var reading = ReadAsync((int)expected.Length);
        foreach (var flush in flushes)
            await flush();
        (await reading).ShouldBe(expected.ToArray());
    }

    [Fact]
    public async Task A_flush_waits_for_a_client_that_does_not_read_and_sends_right_bytes_though_the_file_is_closed_meanwhile()
    {
        _writer.Write("header"u8);
        _writer.TryWriteFile(_writer, _file, 1000, FileLength - 1000).ShouldBeTrue();
        var flush = _writer.FlushAsync(_limit.Token).AsTask();
        flush.IsCompleted.ShouldBeFalse();
        _file.Dispose();

        // Whatever is opened now must not be taken for it.
        using var other = File.OpenHandle(_folder.File("other"), FileMode.Create, FileAccess.ReadWrite);
        RandomAccess.Write(other, new byte[FileLength], 0);
        (await ReadAsync(6 + FileLength - 1000)).ShouldBe([.. "header"u8, .. _content[1000..]]);
        (await flush).IsCompleted.ShouldBeFalse();
    }

    [Fact]
    public async Task A_file_is_let_go_when_it_has_been_sent()
    {
        _writer.TryWriteFile(_writer, _file, 0, 100).ShouldBeTrue();
        await _writer.FlushAsync(_limit.Token);
        (await ReadAsync(100)).ShouldBe(_content[..100]);
        _file.Dispose();

        // Closed for good: another process could lock it.
        Directory.EnumerateFiles("/proc/self/fd").Select(PathOf).ShouldNotContain(_folder.File("content"));
        _writer.TryWriteFile(_writer, _file, 0, 100).ShouldBeFalse();
        _writer.UnflushedBytes.ShouldBe(0);

        static string? PathOf(string link)
        {
            try
            {
                return File.ResolveLinkTarget(link, returnFinalTarget: false)?.FullName;
            }
            catch (IOException)
            {
                return null;
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1_000_000)]
    public async Task A_file_that_ends_too_early_is_told_and_nothing_comes_after_it(int cutAt)
    {
        _writer.Write("header"u8);
        _writer.TryWriteFile(_writer, _file, 0, FileLength).ShouldBeTrue();
        RandomAccess.SetLength(_file, cutAt);
        var flush = _writer.FlushAsync(_limit.Token).AsTask();
        (await ReadAsync(6 + cutAt)).ShouldBe([.. "header"u8, .. _content[..cutAt]]);
        (await flush).IsCompleted.ShouldBeTrue();
        _writer.IsFileShort.ShouldBeTrue();

        _writer.Write("what would be taken for content"u8);
        (await _writer.FlushAsync(_limit.Token)).IsCompleted.ShouldBeTrue();
        _writer.TryWriteFile(_writer, _file, 0, 1).ShouldBeFalse();
        _server.Shutdown(SocketShutdown.Send);
        (await ReadAsync(1)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Nothing_is_sent_after_a_flush_that_was_cancelled()
    {
        using var cancel = new CancellationTokenSource();
        _writer.TryWriteFile(_writer, _file, 0, FileLength).ShouldBeTrue();
        var flush = _writer.FlushAsync(cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => flush);
        _writer.Write("after the gap"u8);
        (await _writer.FlushAsync(_limit.Token)).IsCompleted.ShouldBeTrue();
        _server.Shutdown(SocketShutdown.Send);
        var arrived = await ReadAsync(FileLength);
        _content.AsSpan().StartsWith(arrived).ShouldBeTrue();
        arrived.Length.ShouldBeLessThan(FileLength);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_flush_to_a_connection_that_has_ended_says_so(bool byClient)
    {
        _writer.TryWriteFile(_writer, _file, 0, FileLength).ShouldBeTrue();
        var flush = _writer.FlushAsync(_limit.Token).AsTask();
        if (byClient)
            _client.Close(0);
        else
            _server.Dispose();
        (await flush).IsCompleted.ShouldBeTrue();
        _writer.IsFileShort.ShouldBeFalse("the file is as it should be");
        _writer.TryWriteFile(_writer, _file, 0, 1).ShouldBeFalse();
    }

    [Fact]
    public async Task A_part_that_was_announced_and_never_flushed_ends_the_output_without_what_was_before_it()
    {
        _writer.Write("header"u8);
        _writer.TryWriteFile(_writer, _file, 0, 100).ShouldBeTrue();
        await _writer.CompleteAsync();
        var rest = await _transport.Reader.ReadAsync(_limit.Token);
        rest.Buffer.IsEmpty.ShouldBeTrue("a header without its content");
        rest.IsCompleted.ShouldBeTrue();
    }

    [Fact]
    public void A_body_that_does_not_lead_to_the_socket_is_not_taken()
    {
        var elsewhere = new Pipe();
        _writer.TryWriteFile(elsewhere.Writer, _file, 0, 100).ShouldBeFalse();
        _writer.UnflushedBytes.ShouldBe(0);
        elsewhere.Writer.UnflushedBytes.ShouldBe(0);
    }

    [Fact]
    public async Task A_connection_that_is_given_up_in_the_middle_of_a_part_is_over()
    {
        var body = new GivenUp(_writer);
        _writer.TryWriteFile(body, _file, 100, 50_000).ShouldBeTrue();
        body.IsGivenUp.ShouldBeTrue();
        (await _writer.FlushAsync(_limit.Token)).IsCompleted.ShouldBeTrue();
        _file.Dispose();
        Directory.EnumerateFiles("/proc/self/fd").Select(link => new FileInfo(link).LinkTarget).ShouldNotContain(_folder.File("content"));
        _client.Available.ShouldBe(0);
    }

    [Fact]
    public async Task What_is_before_the_first_page_goes_with_the_header()
    {
        _writer.Write("header"u8);
        _writer.TryWriteFile(_writer, _file, 4000, 20_000).ShouldBeTrue();
        Assert.SkipUnless(Environment.SystemPageSize == 4096, "Pages are larger here.");

        // The start is there already; the rest comes from the file as it is by then.
        using (var file = File.OpenHandle(_folder.File("content"), FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            RandomAccess.Write(file, new byte[20_000], 4000);
        (await _writer.FlushAsync(_limit.Token)).IsCompleted.ShouldBeFalse();
        (await ReadAsync(6 + 20_000)).ShouldBe([.. "header"u8, .. _content[4000..4096], .. new byte[20_000 - 96]]);
    }

    /// <summary>A body that leads to the connection until something has been written, as the server's does when the client goes in that instant.</summary>
    private sealed class GivenUp(PipeWriter connection) : PipeWriter
    {
        private readonly byte[] _nowhere = new byte[4096];

        public bool IsGivenUp { get; private set; }

        public override void Advance(int bytes)
        {
            if (!IsGivenUp)
                connection.Advance(bytes);
            IsGivenUp = true;
        }

        public override Memory<byte> GetMemory(int sizeHint = 0) => IsGivenUp ? _nowhere : connection.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

        public override void CancelPendingFlush() => throw new NotSupportedException();

        public override void Complete(Exception? exception = null) => throw new NotSupportedException();

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();
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
