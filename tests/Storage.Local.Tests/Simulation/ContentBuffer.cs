namespace EdgeCache.Storage.Local.Tests.Simulation;

/// <summary>Bytes that grow; a gap reads as zeros, as a hole in a file does.</summary>
internal sealed class ContentBuffer
{
    private byte[] _bytes = [];

    public int Length { get; private set; }

    public static ContentBuffer Of(ReadOnlySpan<byte> content)
    {
        var buffer = new ContentBuffer();
        buffer.Write(0, content);
        return buffer;
    }

    public int Read(long offset, Span<byte> destination)
    {
        if (offset >= Length)
            return 0;
        var count = (int)Math.Min(destination.Length, Length - offset);
        _bytes.AsSpan((int)offset, count).CopyTo(destination);
        return count;
    }

    public void Write(long offset, ReadOnlySpan<byte> content)
    {
        Grow(offset + content.Length);
        content.CopyTo(_bytes.AsSpan((int)offset));
    }

    public void Grow(long length)
    {
        if (length > _bytes.Length)
            Array.Resize(ref _bytes, checked((int)Math.Max(length, _bytes.Length * 2L)));
        Length = (int)Math.Max(Length, length);
    }

    public byte[] ToArray() => _bytes.AsSpan(0, Length).ToArray();
}
