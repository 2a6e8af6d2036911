namespace EdgeCache.Storage.Tiering;

/// <summary>Holds content that comes in order against the checksums of its blocks.</summary>
internal sealed class BlockCheck(BlobMetadata blob, BlockChecksums checksums)
{
    private Crc32C _block = Crc32C.Start();
    private long _offset;

    /// <summary>How much of the content is found good, from where it was begun on: to the end of a block.</summary>
    public long Verified { get; private set; }

    /// <summary>Where the block begins that a byte is in.</summary>
    public long StartOf(long offset) => offset / checksums.BlockLength * checksums.BlockLength;

    /// <summary>Where the block ends that a byte is in.</summary>
    public long EndOf(long offset) => Math.Min(blob.Length, StartOf(offset) + checksums.BlockLength);

    /// <summary>Begins at the start of a block.</summary>
    public void Begin(long offset)
    {
        (_block, _offset, Verified) = (Crc32C.Start(), offset, offset);
    }

    /// <summary>Takes the content that comes next.</summary>
    /// <exception cref="BlobDamagedException">A block that it ends is not what it should be.</exception>
    public void Append(ReadOnlySpan<byte> content)
    {
        while (content.Length > 0)
        {
            var end = EndOf(_offset);
            var part = content[..(int)Math.Min(content.Length, end - _offset)];
            _block.Append(part);
            _offset += part.Length;
            content = content[part.Length..];
            if (_offset < end)
                continue;
            if (_block.Value != checksums[(int)((_offset - 1) / checksums.BlockLength)])
                throw new BlobDamagedException($"The bytes of {blob.Key} up to {_offset} do not have the checksum that is written beside it.");
            _block = Crc32C.Start();
            Verified = _offset;
        }
    }
}
