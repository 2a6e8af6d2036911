namespace EdgeCache.Storage.Tiering;

/// <content>How a fetch moves on and ends.</content>
internal sealed partial class Fill
{
    /// <summary>Nobody has come back in time.</summary>
    private void Abandon()
    {
        lock (_lock)
        {
            if (_users > 0 && _readers == 0)
                _ = _stop.CancelAsync();
        }
    }

    private void EndAbandoning()
    {
        _abandoning?.Dispose();
        _abandoning = null;
    }

    private void Advance(long written)
    {
        TaskCompletionSource? waiting;
        lock (_lock)
        {
            _written = written;
            waiting = _progress;
            _progress = null;
        }
        waiting?.TrySetResult();
    }

    /// <summary>Says how far the stamp of the key may have moved by what the fetch itself does.</summary>
    private void AllowStamps(long last)
    {
        lock (_lock)
            _lastStamp = last;
    }

    /// <summary>Sets the last state, unless there is one; wakes all who wait.</summary>
    private void End(FillState state, Outcome<BlobMetadata> answer)
    {
        TaskCompletionSource? waiting;
        lock (_lock)
        {
            if (_state == FillState.Running)
                _state = state;
            waiting = _progress;
            _progress = null;
        }
        waiting?.TrySetResult();
        _opened.TrySetResult(answer);
    }

    /// <summary>The local store takes no more: everybody goes on by himself, the first with the reader that is open.</summary>
    private void Bypass(BlobMetadata blob, ref IBlobReader? reader)
    {
        lock (_lock)
        {
            _spare = reader;
            reader = null;
        }
        End(FillState.Bypassed, blob);
    }

    /// <summary>Nothing is published. Those who have got bytes are cut; the others wait for a second try, of which there is one.</summary>
    private void OnMismatch(string detail)
    {
        _table.OnMismatch(Key, detail);
        int readers;
        lock (_lock)
            readers = _readers;
        if (!_isRetry && readers > 0 && _table.BeginRetry(this, _policy) is { } next)
        {
            lock (_lock)
                _next = next;
        }
        End(FillState.Mismatched, Outcome<BlobMetadata>.Fail(StoreStatus.Unavailable, "The far store's content is not what it should be."));
    }

    private async Task PublishAsync(IStagedBlobWriter writer)
    {
        var content = writer.EndContent();
        if (!content.IsOk)
        {
            OnMismatch(content.Detail ?? "The content is not what it should be.");
            return;
        }

        // Those who wait need not wait for the disk: what they get is what was asked for, stored or not.
        End(FillState.Verified, default);

        // For an instant nobody else changes the key: what is remembered with its stamp of then is what is stored.
        using var held = await _table.Gate.EnterAsync(Key, _table.Options.WaitLimit, CancellationToken.None).ConfigureAwait(false);

        // What is acknowledged and only here is newer than anything that the far store has, also where this fetch took its stamp for that of an older copy.
        if (held is not null && _table.IsPending(Key))
        {
            _table.OnPublished(Key, StoreStatus.Superseded);
            return;
        }
        if (held is not null && _table.Near.GetGeneration(Key) == Stamp)
            AllowStamps(long.MaxValue);
        var published = held is null ? StoreStatus.Unavailable : (await writer.CommitAsync(CancellationToken.None).ConfigureAwait(false)).Status;
        var stamp = _table.Near.GetGeneration(Key);
        AllowStamps(published == StoreStatus.Ok ? stamp : Stamp);
        if (published == StoreStatus.Ok)
            _table.Answers.Note(Key, stamp, content.Value, Begun);
        _table.OnPublished(Key, published);
    }

    private async ValueTask ReleaseAsync()
    {
        IStagedBlobWriter? writer;
        IBlobReader? spare;
        Fill? next;
        lock (_lock)
        {
            if (--_users > 0)
                return;
            (writer, spare, next) = (_writer, _spare, _next);
            (_spare, _next) = (null, null);
            EndAbandoning();
        }
        _stop.Dispose();
        if (next is not null)
            await next.RemoveReaderAsync().ConfigureAwait(false);
        if (spare is not null)
            await spare.DisposeAsync().ConfigureAwait(false);
        if (writer is not null)
            await writer.DisposeAsync().ConfigureAwait(false);
    }
}
