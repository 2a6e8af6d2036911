using System.Text;

namespace EdgeCache.TestKit;

/// <summary>Content that shrinks, as build outputs do; <see cref="Blobs.Bytes"/> makes noise, which does not.</summary>
public static class Contents
{
    private static readonly string[] Words =
        ["artifact", "build", "namespace", "System.Collections.Generic", "internal sealed class", "return", "0x", "public static", "/usr/lib/x86_64-linux-gnu", "\0\0\0\0", "\n    ", ";\n", "{", "}", "cache", "(", ")"];

    /// <summary>Text of words and numbers, the same for the same seed; zstd makes about a third of it.</summary>
    public static byte[] Text(int length, int seed = 0)
    {
        var random = new Random((seed * 104729) + 7);
        var text = new StringBuilder(length + 64);
        while (text.Length < length)
        {
            text.Append(Words[random.Next(Words.Length)]);
            if (random.Next(3) == 0)
                text.Append(random.Next(100_000));
            else
                text.Append(' ');
        }
        return Encoding.Latin1.GetBytes(text.ToString(0, length));
    }

    /// <summary>Pieces of text, of noise and of zeros, none of which is where another implementation's blocks begin.</summary>
    public static byte[] Mixed(int length, int seed = 0)
    {
        var random = new Random((seed * 15485863) + 3);
        var mixed = new byte[length];
        for (var at = 0; at < length;)
        {
            var piece = mixed.AsSpan(at, Math.Min(length - at, 1 + random.Next(300_000)));
            switch (random.Next(3))
            {
                case 0:
                    random.NextBytes(piece);
                    break;
                case 1:
                    Text(piece.Length, random.Next()).CopyTo(piece);
                    break;
            }
            at += piece.Length;
        }
        return mixed;
    }
}
