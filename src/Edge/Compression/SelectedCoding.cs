using System.Buffers;
using EdgeCache.Codecs;

namespace EdgeCache.Edge.Compression;

/// <summary>The coding in which a blob is answered, and what is needed to send it so.</summary>
internal sealed class SelectedCoding : IDisposable
{
    private static readonly SelectedCoding[] Plain = [.. Enum.GetValues<CodingReason>().Select(r => new SelectedCoding { Reason = r })];

    private static readonly SelectedCoding[] AsStored = [.. Enum.GetValues<ContentCoding>().Select(c => new SelectedCoding { Coding = c, Reason = CodingReason.Stored })];

    private byte[]? _first;
    private int _firstLength;

    public ContentCoding Coding { get; private init; }

    public CodingReason Reason { get; private init; }

    /// <summary>Whether the payload goes out as it is stored; otherwise <see cref="Encoder"/> makes it.</summary>
    public bool IsStored => Reason == CodingReason.Stored;

    /// <summary>Whether it depends on content that is not at hand: only a GET will tell, and until then nothing that depends on the coding is said (RFC 9110, section 9.3.2).</summary>
    public bool IsOpen { get; private init; }

    /// <summary>The status to refuse the request with: 406 where nothing that it accepts can be sent, 503 where that can't be sent now; 0 for none.</summary>
    public int Refusal { get; private init; }

    /// <summary>Null for what is stored, for identity, and for an answer without content.</summary>
    public StreamEncoder? Encoder { get; private init; }

    /// <summary>The start of the content, where it has been read already.</summary>
    public ReadOnlyMemory<byte> First => _first.AsMemory(0, _firstLength);

    public static SelectedCoding Identity(CodingReason reason) => Plain[(int)reason];

    public static SelectedCoding Open { get; } = new() { IsOpen = true };

    public static SelectedCoding Refused(int status, CodingReason reason) => new() { Refusal = status, Reason = reason };

    public static SelectedCoding Stored(ContentCoding coding) => AsStored[(int)coding];

    public static SelectedCoding Encoded(ContentCoding coding, StreamEncoder? encoder) => new() { Coding = coding, Reason = CodingReason.Encoded, Encoder = encoder };

    /// <summary>Takes over the start of the content, in a buffer of the pool.</summary>
    public SelectedCoding With(byte[]? first, int length)
    {
        (_first, _firstLength) = (first, length);
        return this;
    }

    public void Dispose()
    {
        Encoder?.Dispose();
        if (Interlocked.Exchange(ref _first, null) is { } first)
            ArrayPool<byte>.Shared.Return(first);
        _firstLength = 0;
    }
}
