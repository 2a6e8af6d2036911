using System.Buffers.Binary;
using System.Numerics;

namespace EdgeCache.Storage.Local.Format;

/// <summary>CRC-32C (Castagnoli, RFC 3720 appendix B.4), by the processor's own instruction where it has one.</summary>
internal struct Crc32C
{
    private uint _state;

    /// <summary>A checksum over nothing yet.</summary>
    public static Crc32C Start() => new() { _state = uint.MaxValue };

    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        var crc = Start();
        crc.Append(bytes);
        return crc.Value;
    }

    public readonly uint Value => ~_state;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        var state = _state;
        for (; bytes.Length >= 8; bytes = bytes[8..])
            state = BitOperations.Crc32C(state, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (var value in bytes)
            state = BitOperations.Crc32C(state, value);
        _state = state;
    }
}
