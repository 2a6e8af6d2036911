using System.Buffers;

namespace EdgeCache.Storage.Tiering;

/// <summary>
/// One fetch of a blob from the far store into the local one, on nobody's request in particular: whoever asks for the blob reads back what has come in so far. The last
/// <see cref="HoldBack"/> bytes are given out only when the whole content has been found good, and it is published only if nothing has happened to the key since it began.
/// </summary>
#pragma warning disable CA1001 // The last user disposes what it has, in ReleaseAsync.
internal sealed partial class Fill
#pragma warning restore CA1001
{
    /// <summary>The end of a blob that is held back until the whole is found good, in bytes.</summary>
    public const int HoldBack = 64 * 1024;

    /// <summary>Bytes that are copied at a time.</summary>
    public const int BufferLength = 128 * 1024;

    private readonly FillTable _table;
    private readonly TierPolicy _policy;
    private readonly bool _isRetry;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource<Outcome<BlobMetadata>> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Protects the fields below. Taken after the table's lock where both are; held for an instant.
    private readonly Lock _lock = new();
    private int _users = 2; // The fetch itself, and who began it. The last one disposes the writer.
    private int _readers = 1;
    private long _written;
    private long _verified; // How much of it is known to be good by the checksums of its blocks.
    private FillState _state;
    private TaskCompletionSource? _progress;
    private IStagedBlobWriter? _writer;
    private IBlobReader? _spare;
    private Fill? _next;
    private ITimer? _abandoning; // Runs while nobody reads.
    private Moment _asked; // When the far store was asked. Set before that, and read after it.
    private long _lastStamp; // Of the key; more than Stamp once the fetch itself has changed it, by being published.

    public Fill(FillTable table, BlobKey key, long stamp, TierPolicy policy, bool isRetry)
    {
        (_table, Key, Stamp, _policy, _isRetry) = (table, key, stamp, policy, isRetry);
        _lastStamp = stamp;
        Begun = table.Answers.Begin();
    }

    public BlobKey Key { get; }

    /// <summary>The key's stamp before the far store was asked.</summary>
    public long Stamp { get; }

    /// <summary>When it began.</summary>
    public Moment Begun { get; }

    /// <summary>
    /// Ends when it is known what there is: the blob in the tiers' form; <see cref="StoreStatus.Missing"/>, <see cref="StoreStatus.Unavailable"/>; or <see cref="StoreStatus.Superseded"/>
    /// when it was ended before that, and who still wants the blob must ask anew.
    /// </summary>
    public Task<Outcome<BlobMetadata>> Opened => _opened.Task;

    /// <summary>
    /// Adds a reader, unless it is too late for one, or something has happened to the key since the fetch began and before the reader looked at its stamp. To be published is
    /// not such a thing.
    /// </summary>
    /// <param name="stamp">The key's stamp, read by who then did not find the blob here.</param>
    public bool TryAddReader(long stamp)
    {
        lock (_lock)
        {
            if (stamp < Stamp || stamp > _lastStamp)
                return false;
            if (_users == 0 || _state is FillState.Mismatched or FillState.Failed || _stop.IsCancellationRequested)
                return false;
            _users++;
            if (_readers++ == 0)
                EndAbandoning();
            return true;
        }
    }

    public ValueTask RemoveReaderAsync()
    {
        lock (_lock)
        {
            if (--_readers == 0 && _state == FillState.Running)
                _abandoning = _table.Time.CreateTimer(static fill => ((Fill)fill!).Abandon(), this, _table.Options.AbandonAfter, Timeout.InfiniteTimeSpan);
        }
        return ReleaseAsync();
    }

    /// <summary>How much from an offset on can be read back now (less than 0: what is missing up to there), and how far it has got.</summary>
    /// <param name="offset">The offset.</param>
    /// <param name="length">Length of the content.</param>
    /// <param name="onlyVerified">Whether bytes count only when their block is known to be good.</param>
    /// <param name="available">How much can be read back.</param>
    /// <param name="ahead">How far the offset is ahead of what has come in; less than 0 where it has.</param>
    public FillState Look(long offset, long length, bool onlyVerified, out long available, out long ahead)
    {
        lock (_lock)
        {
            available = Readable(length, onlyVerified) - offset;
            ahead = offset - _written;
            return _state;
        }
    }

    /// <summary>Waits until more than an offset can be read back, or the state has changed.</summary>
    public Task WaitAsync(long offset, long length, bool onlyVerified, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_state != FillState.Running || Readable(length, onlyVerified) > offset)
                return Task.CompletedTask;
            _progress ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _progress.Task.WaitAsync(cancellationToken);
        }
    }

    public ValueTask<int> ReadBackAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken) => _writer!.ReadAsync(offset, buffer, cancellationToken);

    /// <summary>Whether the local store took no more, so that everybody goes on by himself.</summary>
    public bool IsBypassed
    {
        get
        {
            lock (_lock)
                return _state == FillState.Bypassed;
        }
    }

    /// <summary>The far store's own reader, which the fetch has no use for; null when somebody has it already.</summary>
    public IBlobReader? TakeSpare()
    {
        lock (_lock)
        {
            var spare = _spare;
            _spare = null;
            return spare;
        }
    }

    /// <summary>After a mismatch: the second try, with one more reader; null when there is none.</summary>
    public Fill? JoinNext()
    {
        lock (_lock)
            return _next?.TryAddReader(_next.Stamp) == true ? _next : null;
    }

    /// <summary>Ends the fetch if it is still running: the store closes.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            // What hangs on it runs elsewhere: it may take locks that come before this one.
            if (_users > 0)
                _ = _stop.CancelAsync();
        }
    }

    /// <summary>Under the lock: the content that may be given out, from the first byte on.</summary>
    private long Readable(long length, bool onlyVerified) => _state switch
    {
        FillState.Verified => length,
        FillState.Running => Math.Min(onlyVerified ? _verified : _written, length - Math.Min(length, HoldBack)),

        // Whoever goes on elsewhere holds the end back by himself.
        FillState.Bypassed => onlyVerified ? _verified : _written,
        _ => 0,
    };

    public async Task RunAsync()
    {
        var hasSlot = false;
        try
        {
            hasSlot = await _table.Slots.WaitAsync(_table.Options.WaitLimit, _stop.Token).ConfigureAwait(false);
            if (hasSlot)
                await FetchAsync().ConfigureAwait(false);
            else
                End(FillState.Failed, Outcome<BlobMetadata>.Fail(StoreStatus.Unavailable, FarDetails.Busy));
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            _table.Counters.Abandoned();
            End(FillState.Failed, StoreStatus.Superseded);
        }
#pragma warning disable CA1031 // Nobody awaits a fetch but its table: whatever happens must reach those who wait for the blob.
        catch (Exception error)
#pragma warning restore CA1031
        {
            _table.OnFailed(Key, error);
            End(FillState.Failed, Outcome<BlobMetadata>.Fail(StoreStatus.Unavailable, "The blob could not be fetched from the far store."));
        }
        finally
        {
            if (hasSlot)
                _table.Slots.Release();
            _table.Remove(this);
            await ReleaseAsync().ConfigureAwait(false);
        }
    }

    private async Task FetchAsync()
    {
        _asked = _table.Answers.Begin();
        var opened = await _table.Far.OpenReadAsync(Key, ByteRange.Whole, _stop.Token).ConfigureAwait(false);
        if (!opened.IsOk)
        {
            if (opened.Status == StoreStatus.Missing)
                _table.Answers.Note(Key, Stamp, _asked, blob: null);
            End(FillState.Failed, opened.Detail is { } detail ? Outcome<BlobMetadata>.Fail(opened.Status, detail) : opened.Status);
            return;
        }
        var reader = opened.Value;
        try
        {
            var blob = FarBlobs.Normalize(reader.Metadata, _policy);
            if (await OpenWriterAsync(blob).ConfigureAwait(false) is not { } writer)
            {
                Bypass(blob, ref reader);
                return;
            }
            // What comes in one piece is told of when it is here: until then a failure is an answer, and not one that breaks off.
            if (blob.Length > BufferLength)
                _opened.TrySetResult(blob);
            if (!await CopyAsync(reader, writer, blob).ConfigureAwait(false))
            {
                Bypass(blob, ref reader);
                return;
            }
            _opened.TrySetResult(blob);
            await PublishAsync(writer).ConfigureAwait(false);
        }
        catch (BlobDamagedException error)
        {
            // Its readers wait for the second try.
            if (reader is not null)
                _opened.TrySetResult(FarBlobs.Normalize(reader.Metadata, _policy));
            OnMismatch(error.Message);
        }
        finally
        {
            if (reader is not null)
                await reader.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task<IStagedBlobWriter?> OpenWriterAsync(BlobMetadata blob)
    {
        try
        {
            var opened = await _table.Near.OpenWriteAsync(Key, PutOptions.CopyOf(blob) with { Replace = true, IfGeneration = Stamp }, _stop.Token).ConfigureAwait(false);
            if (!opened.IsOk)
                return null;
            var writer = (IStagedBlobWriter)opened.Value;
            lock (_lock)
                _writer = writer;
            return writer;
        }
        catch (ArgumentException error)
        {
            // What others wrote beside their object is more than a local record takes: it can be served all the same.
            _table.OnRefused(Key, error);
            return null;
        }
    }

    /// <summary>Copies; false when the local store takes no more.</summary>
    /// <exception cref="BlobDamagedException">A block is not what it should be, or the content ends too early.</exception>
    private async Task<bool> CopyAsync(IBlobReader reader, IStagedBlobWriter writer, BlobMetadata blob)
    {
        var check = blob.Checksums is { } checksums ? new BlockCheck(blob, checksums) : null;
        var buffer = ArrayPool<byte>.Shared.Rent(BufferLength);
        try
        {
            for (var offset = 0L; offset < blob.Length;)
            {
                _stop.Token.ThrowIfCancellationRequested();
                var read = await reader.ReadAsync(offset, buffer, _stop.Token).ConfigureAwait(false);
                if (read == 0)
                    throw new BlobDamagedException($"The content of {Key} ends too early.");
                check?.Append(buffer.AsSpan(0, read));
                if (await writer.WriteAsync(buffer.AsMemory(0, read), _stop.Token).ConfigureAwait(false) != StoreStatus.Ok)
                    return false;
                offset += read;
                Advance(offset, check?.Verified ?? 0);
            }
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
