using System.Security.Cryptography;

namespace EdgeCache.Client.Signing;

/// <summary>
/// A key that both sides know, for HMAC-SHA256 (RFC 2104). What it is never leaves it. To set the key up takes longer than to use it, so that is done once for each processor; what
/// is set up is left to the garbage collector, because a request may still use a policy that a reload has replaced.
/// </summary>
internal sealed class SecretKey(string id, byte[] secret)
{
    private readonly Slot[] _slots = [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new Slot(secret))];

    public string Id => id;

    public void Sign(ReadOnlySpan<byte> content, Span<byte> mac)
    {
        var slot = _slots[Thread.GetCurrentProcessorId() % _slots.Length];
        lock (slot.Lock)
        {
            slot.Hash.AppendData(content);
            slot.Hash.GetHashAndReset(mac);
        }
    }

    private sealed class Slot(byte[] secret)
    {
        /// <summary>Protects the hash; held for one MAC. No other lock is taken under it.</summary>
        public Lock Lock { get; } = new();

        public IncrementalHash Hash { get; } = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, secret);
    }
}
