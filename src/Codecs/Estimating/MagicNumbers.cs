using System.Buffers.Binary;

namespace EdgeCache.Codecs.Estimating;

/// <summary>Knows by its first bytes what is compressed already. What it does not know, the entropy tells.</summary>
public static class MagicNumbers
{
    private const int ZipMethodOffset = 8;
    private const int TypeOffset = 4;
    private const int RiffTypeOffset = 8;

    /// <summary>Whether content that begins so is compressed already.</summary>
    /// <param name="start">The first bytes; 16 are enough.</param>
    public static bool IsCompressed(ReadOnlySpan<byte> start) =>
        start.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B]) // gzip
        || IsZip(start)
        || start.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G'])
        || start.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]) // JPEG
        || start.StartsWith((ReadOnlySpan<byte>)[0x28, 0xB5, 0x2F, 0xFD]) // zstd
        || start.StartsWith((ReadOnlySpan<byte>)[0x04, 0x22, 0x4D, 0x18]) // LZ4
        || start.StartsWith((ReadOnlySpan<byte>)[0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0])
        || start.StartsWith((ReadOnlySpan<byte>)[(byte)'7', (byte)'z', 0xBC, 0xAF])
        || start.StartsWith("BZh"u8)
        || start.StartsWith("Rar!"u8)
        || start.StartsWith("GIF8"u8)
        || start.StartsWith("wOF2"u8)
        || start.StartsWith("OggS"u8)
        || start.StartsWith("fLaC"u8)
        || (start.Length >= TypeOffset && start[TypeOffset..].StartsWith("ftyp"u8)) // MP4 and its kin
        || (start.StartsWith("RIFF"u8) && start.Length >= RiffTypeOffset && start[RiffTypeOffset..].StartsWith("WEBP"u8));

    /// <summary>An archive whose first entry is stored as it is may shrink: some tools leave the compressing to others.</summary>
    private static bool IsZip(ReadOnlySpan<byte> start) =>
        start.StartsWith("PK\x03\x04"u8) && start.Length >= ZipMethodOffset + sizeof(ushort) && BinaryPrimitives.ReadUInt16LittleEndian(start[ZipMethodOffset..]) != 0;
}
