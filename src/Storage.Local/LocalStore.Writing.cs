using EdgeCache.Storage.Local.Files;
using EdgeCache.Storage.Local.Format;
using Microsoft.Extensions.Logging;

namespace EdgeCache.Storage.Local;

/// <content>What a writer needs of the store until it commits.</content>
public sealed partial class LocalStore
{
    internal long MaxBytes => _options.MaxBytes;

    internal int SmallBlobBytes => _sizes.SmallBlobBytes;

    /// <inheritdoc/>
    public async ValueTask<Outcome<IBlobWriter>> OpenWriteAsync(BlobKey key, PutOptions options, CancellationToken cancellationToken)
    {
        if (key.IsDefault)
            throw new ArgumentException("The default key names no blob.", nameof(key));
        if (options.ExpectedLength > options.MaxLength)
            return StoreStatus.TooLarge;
        var draft = options.Draft(key, _time.GetUtcNow());
        BlobHeader.Check(draft);
        if (options.ExpectedLength > _options.MaxBytes || (options.ExpectedLength is { } length && LocalBlobWriter.SpaceFor(BlobHeader.Measure(draft), length, length) > _options.MaxBytes))
            return Outcome<IBlobWriter>.Fail(StoreStatus.NoSpace, $"It has {options.ExpectedLength} bytes; the whole store has {_options.MaxBytes}.");
        if (CheckQuota(draft, options.ExpectedLength) is { } refusal)
            return refusal;
        if (!TryAddWriter())
            return Outcome<IBlobWriter>.Fail(StoreStatus.Unavailable, "The store is closing.");
        LocalBlobWriter? writer = null;
        try
        {
            if (!await IsKnownAsync(key, options, cancellationToken).ConfigureAwait(false))
                return Outcome<IBlobWriter>.Fail(StoreStatus.Unavailable, NotYetKnown);
            var status = await ForeseeAsync(key, options, cancellationToken).ConfigureAwait(false);
            if (status != StoreStatus.Ok)
                return status;
            writer = new LocalBlobWriter(this, draft, options);
            return writer;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            LogReadFault(error, key);
            return Outcome<IBlobWriter>.Fail(StoreStatus.Unavailable, "The disk could not read what is there.");
        }
        finally
        {
            if (writer is null)
                RemoveWriter();
        }
    }

    internal string NewTemporaryPath() => _layout.NewTemporaryPath();

    internal IStoreFile CreateFile(string path) => _files.Create(path);

    /// <summary>Reserves disk space for a writer that has some already, having eviction make room when the store is full.</summary>
    internal async ValueTask<StoreStatus> ReserveAsync(long bytes, long held, CancellationToken cancellationToken)
    {
        if (held + bytes > _options.MaxBytes)
            return StoreStatus.NoSpace;
        // Until the files have been measured, nobody knows how full the store is.
        if (_rebuild is { } rebuild && !await WaitAsync(rebuild.Measured, cancellationToken).ConfigureAwait(false))
            return StoreStatus.Unavailable;
        var began = _time.GetTimestamp();
        var answer = _space.TryReserve(bytes);
        while (answer == SpaceAccount.Answer.StoreFull)
        {
            // Others may take what was freed before this writer has it.
            if (!await _reclaimer.MakeRoomAsync(bytes, _options.RoomTimeout - _time.GetElapsedTime(began), cancellationToken).ConfigureAwait(false))
                break;
            answer = _space.TryReserve(bytes);
        }
        return answer == SpaceAccount.Answer.Granted ? StoreStatus.Ok : StoreStatus.NoSpace;
    }

    /// <summary>A writer is done: gives back what it reserved, and removes its file if that was not published.</summary>
    internal void Close(string? temporary, long reserved)
    {
        if (temporary is not null)
            RemoveTemporary(temporary);
        _space.Release(reserved);
        RemoveWriter();
    }

    /// <summary>Removes a writer's temporary file that is of no more use.</summary>
    internal void RemoveTemporary(string path)
    {
        try
        {
            _files.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The next start removes it; the writer's own outcome must not be masked by this.
            LogWriteFault(error);
        }
    }

    /// <summary>Notes that the disk refused a write, and says what that means for the writer.</summary>
    internal StoreStatus OnWriteFault(Exception error)
    {
        if (error is IOException io && Disk.Posix.IsNoSpace(io.InnerException as IOException ?? io))
            return StoreStatus.NoSpace;
        LogWriteFault(error);
        _probe.Report($"The last write failed: {error.Message}");
        return StoreStatus.Unavailable;
    }

    /// <summary>What the commit would say already now.</summary>
    private async ValueTask<StoreStatus> ForeseeAsync(BlobKey key, PutOptions options, CancellationToken cancellationToken)
    {
        if (options.Condition is null && (options.Replace || options.ExpectedSha256 is null))
            return StoreStatus.Ok;
        using var held = await _keyLocks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        var current = FindIntact(key)?.Metadata;
        if (options.Condition?.Holds(current) == false)
            return StoreStatus.PreconditionFailed;
        return !options.Replace && current is not null && options.ExpectedSha256 is { } digest && digest != current.Sha256 ? StoreStatus.Exists : StoreStatus.Ok;
    }

    [LoggerMessage(LogLevel.Error, "The disk refused a write")]
    private partial void LogWriteFault(Exception error);
}
