using System.Globalization;

namespace EdgeCache.TestKit;

/// <summary>Passes one body on, at a pace, and cuts or spoils it.</summary>
internal sealed class BodyRelay(HttpPeer from, HttpPeer? to, Pace pace, CancellationToken stop)
{
    private readonly byte[] _buffer = new byte[HttpPeer.BufferLength];
    private long _passed;

    /// <summary>Nothing after that many bytes is passed on.</summary>
    public long? CutsAfter { get; init; }

    /// <summary>Holds the body at a place; null for none.</summary>
    public S3Gate? Gate { get; init; }

    /// <summary>The byte of which one bit is wrong.</summary>
    public long? FlipsAt { get; init; }

    /// <summary>Passes the body that a head announces.</summary>
    /// <param name="head">The head.</param>
    /// <param name="length">Its length, where the head says none: null for all until the connection ends.</param>
    /// <returns>Whether all of it was passed on, so that another message may follow.</returns>
    public async Task<bool> PassAsync(HttpHead head, long? length)
    {
        if (head.IsChunked)
            return await PassChunksAsync();
        return await PassBytesAsync(length ?? long.MaxValue) && length is not null;
    }

    private async Task<bool> PassBytesAsync(long length)
    {
        for (var left = length; left > 0;)
        {
            var most = (int)Math.Min(Math.Min(left, pace.Step), (CutsAfter ?? long.MaxValue) - _passed);
            if (most == 0)
                return false;
            if (Gate?.BodyOffset == _passed)
                await Gate.PassAsync(stop);
            else if (Gate?.BodyOffset > _passed)
                most = (int)Math.Min(most, Gate.BodyOffset.Value - _passed);
            var read = await from.ReadAsync(_buffer.AsMemory(0, most), stop);
            if (read == 0)
                return length == long.MaxValue ? false : throw new EndOfStreamException("The connection ended within a body.");
            if (FlipsAt is { } at && at >= _passed && at < _passed + read)
                _buffer[at - _passed] ^= 0x10;
            await pace.PassAsync(read, stop);
            if (to is not null)
                await to.WriteAsync(_buffer.AsMemory(0, read), stop);
            _passed += read;
            left -= read;
        }
        return true;
    }

    private async Task<bool> PassChunksAsync()
    {
        while (true)
        {
            var line = await from.ReadLineAsync(stop);
            if (to is not null)
                await to.WriteAsync(line, stop);
            var size = long.Parse(line.Split(';')[0].Trim(), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

            // The last chunk is followed by trailers, each a line, and an empty line.
            if (size == 0)
            {
                do
                {
                    line = await from.ReadLineAsync(stop);
                    if (to is not null)
                        await to.WriteAsync(line, stop);
                }
                while (line.Length > 2);
                return true;
            }
            if (!await PassBytesAsync(size + 2))
                return false;
        }
    }
}
