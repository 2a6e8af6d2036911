using System.Text;

namespace EdgeCache.TestKit;

/// <summary>One end of an HTTP/1.1 connection whose heads are read and whose bodies are passed on, with a buffer of a fixed size.</summary>
public sealed class HttpPeer(Stream stream)
{
    public const int BufferLength = 64 * 1024;

    private readonly byte[] _buffer = new byte[BufferLength];
    private int _start;
    private int _end;

    /// <summary>The next head; null when the connection ended before it.</summary>
    public async ValueTask<HttpHead?> ReadHeadAsync(CancellationToken cancellationToken) =>
        await ReadToAsync("\r\n\r\n", cancellationToken) is { } text ? new HttpHead(text) : null;

    /// <summary>The next line, with its end.</summary>
    public async ValueTask<string> ReadLineAsync(CancellationToken cancellationToken) =>
        await ReadToAsync("\r\n", cancellationToken) ?? throw new EndOfStreamException("The connection ended within a body.");

    /// <summary>Bytes as they come; 0 at the end of the connection.</summary>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (_start == _end)
            return await stream.ReadAsync(buffer, cancellationToken);
        var count = Math.Min(buffer.Length, _end - _start);
        _buffer.AsMemory(_start, count).CopyTo(buffer);
        _start += count;
        return count;
    }

    /// <summary>Reads and forgets until the other end closes the connection.</summary>
    public async Task WaitForEndAsync(CancellationToken cancellationToken)
    {
        var buffer = new byte[BufferLength];
        while (await ReadAsync(buffer, cancellationToken) > 0)
        {
        }
    }

    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => stream.WriteAsync(bytes, cancellationToken);

    public ValueTask WriteAsync(string text, CancellationToken cancellationToken) => stream.WriteAsync(Encoding.Latin1.GetBytes(text), cancellationToken);

    private async ValueTask<string?> ReadToAsync(string end, CancellationToken cancellationToken)
    {
        while (true)
        {
            var text = Encoding.Latin1.GetString(_buffer, _start, _end - _start);
            var found = text.IndexOf(end, StringComparison.Ordinal);
            if (found >= 0)
            {
                _start += found + end.Length;
                return text[..(found + end.Length)];
            }
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
            if (_end == BufferLength)
                throw new InvalidDataException($"A head or line of more than {BufferLength} bytes.");
            var read = await stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken);
            if (read == 0)
                return null;
            _end += read;
        }
    }
}
