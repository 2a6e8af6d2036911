using System.Buffers.Binary;
using EdgeCache.TestKit;

namespace EdgeCache.System.Tests.Load;

/// <summary>Content that says which version of which key it is, and whose every byte follows from that: what is read needs nothing beside it to be checked.</summary>
internal static class LoadContent
{
    public const int MaxLength = 1 << 20;
    public const int MinLength = 8;
    private static readonly byte[] Pool = Blobs.Bytes(3 * MaxLength, seed: 12345);

    public static byte[] Make(int key, int version, int length)
    {
        var content = new byte[length];
        Slice(key, version, length).CopyTo(content);
        BinaryPrimitives.WriteInt32LittleEndian(content, key);
        BinaryPrimitives.WriteInt32LittleEndian(content.AsSpan(4), version);
        return content;
    }

    /// <summary>The version; null when any byte is not of this key's version of this length.</summary>
    public static int? TryRead(int key, ReadOnlySpan<byte> content)
    {
        if (content.Length is < MinLength or > MaxLength || BinaryPrimitives.ReadInt32LittleEndian(content) != key)
            return null;
        var version = BinaryPrimitives.ReadInt32LittleEndian(content[4..]);
        return content.Length == LengthOf(key, version) && content[MinLength..].SequenceEqual(Slice(key, version, content.Length)[MinLength..]) ? version : null;
    }

    /// <summary>As many of each order of magnitude: most are small, and most bytes are in large ones.</summary>
    public static int LengthOf(int key, int version) => Math.Max(MinLength, (int)Math.Pow(MaxLength, (Mix(key, version) & 0xffff) / 65536.0));

    private static ReadOnlySpan<byte> Slice(int key, int version, int length) => Pool.AsSpan((int)(Mix(version, key) % (2 * MaxLength)), length);

    private static uint Mix(int a, int b)
    {
        var mixed = unchecked(((ulong)(uint)a * 0x9E3779B97F4A7C15) ^ ((ulong)(uint)b * 0xC2B2AE3D27D4EB4F));
        mixed ^= mixed >> 29;
        return (uint)(unchecked(mixed * 0xBF58476D1CE4E5B9) >> 32);
    }
}
