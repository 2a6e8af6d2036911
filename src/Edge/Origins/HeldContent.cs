using System.Net;
using System.Threading.Channels;

namespace EdgeCache.Edge.Origins;

/// <summary>
/// The body of a request that is sent as it is offered, piece by piece, and whose end is held back until it is said that this was all. Given up before that, it
/// ends the connection: the server has announced bytes that never come, or no last chunk.
/// </summary>
internal sealed class HeldContent(long? length) : HttpContent
{
    private readonly Channel<Piece> _pieces = Channel.CreateBounded<Piece>(1);
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _started;
    private volatile bool _givenUp;

    /// <summary>Whether something may have been sent, so that it can't be sent once more.</summary>
    public bool IsStarted => Volatile.Read(ref _started) != 0;

    /// <summary>Ends when no offered bytes are looked at any more.</summary>
    public Task WhenIdle => IsStarted ? _idle.Task : Task.CompletedTask;

    /// <summary>Offers bytes, one piece at a time.</summary>
    /// <returns>Ends when they have been taken; never, when the call ends without.</returns>
    public Task OfferAsync(ReadOnlyMemory<byte> content)
    {
        var piece = new Piece(content);
        return _pieces.Writer.TryWrite(piece) ? piece.Taken.Task : throw new InvalidOperationException("One piece is offered at a time.");
    }

    /// <summary>Everything has been offered.</summary>
    public void End() => _pieces.Writer.TryComplete();

    /// <summary>There is no more, and what was sent is not to be taken for the whole.</summary>
    public void GiveUp()
    {
        _givenUp = true;
        _pieces.Writer.TryComplete();
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _started, 1) != 0)
            throw new IOException("The content can't be sent twice.");
        try
        {
            await foreach (var piece in _pieces.Reader.ReadAllAsync(cancellationToken))
            {
                // Whoever has given up may have put other bytes where the piece was.
                ThrowIfGivenUp();
                await stream.WriteAsync(piece.Content, cancellationToken);
                piece.Taken.TrySetResult();
            }
            ThrowIfGivenUp();
        }
        finally
        {
            _idle.TrySetResult();
        }
    }

    private void ThrowIfGivenUp()
    {
        if (_givenUp)
            throw new IOException("The content was given up.");
    }

    protected override bool TryComputeLength(out long computed)
    {
        computed = length ?? 0;
        return length is not null;
    }

    private sealed record Piece(ReadOnlyMemory<byte> Content)
    {
        public TaskCompletionSource Taken { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
