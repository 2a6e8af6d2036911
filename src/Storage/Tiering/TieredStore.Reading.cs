namespace EdgeCache.Storage.Tiering;

/// <content>Reading: from here, or by a fetch.</content>
public sealed partial class TieredStore
{
    /// <summary>How often a read begins anew because a fetch that it joined was ended.</summary>
    private const int MaxAttempts = 3;

    /// <inheritdoc/>
    public ValueTask<Outcome<IBlobReader>> OpenReadAsync(BlobKey key, ByteRange expected, CancellationToken cancellationToken)
    {
        // The way of a hit: nothing is added to what the local store does.
        var near = _near.OpenReadAsync(key, expected, cancellationToken);
        if (!near.IsCompletedSuccessfully)
            return AwaitNearAsync(key, expected, near, cancellationToken);
        var found = near.Result;
        return found.IsOk && IsFresh(found.Value.Metadata, _options.PolicyOf(key.Namespace)) ? new(found) : ContinueAsync(key, expected, found, cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask<Outcome<BlobMetadata>> StatAsync(BlobKey key, CancellationToken cancellationToken)
    {
        var policy = _options.PolicyOf(key.Namespace);
        for (var attempt = 0; ; attempt++)
        {
            var stamp = _near.GetGeneration(key);
            var near = await _near.StatAsync(key, cancellationToken).ConfigureAwait(false);
            if (near.IsOk && IsFresh(near.Value, policy))
                return near;
            if (!near.IsOk && IsPending(key) && await LookAgainAsync(near, () => _near.StatAsync(key, cancellationToken)).ConfigureAwait(false) is { } pending)
                return pending;
            var far = await AskAsync(key, stamp, policy, near.IsOk, cancellationToken).ConfigureAwait(false);
            if (far.Status == StoreStatus.Unavailable && near.IsOk)
                return Stale(near, far.Detail);
            if (far.Status == StoreStatus.Missing && near.IsOk && !await DropAsync(key, stamp, cancellationToken).ConfigureAwait(false) && attempt < MaxAttempts)
                continue;

            // While it was asked, the key may have been written here.
            if (far.Status == StoreStatus.Missing && _near.GetGeneration(key) != stamp && attempt < MaxAttempts)
                continue;
            if (!far.IsOk)
                return far.ForClients(_options);
            return near.IsOk && FarBlobs.AreSame(near.Value, far.Value) ? near : far.Value with { Source = BlobSource.Far };
        }
    }

    private async ValueTask<Outcome<IBlobReader>> AwaitNearAsync(BlobKey key, ByteRange expected, ValueTask<Outcome<IBlobReader>> near, CancellationToken cancellationToken)
    {
        var found = await near.ConfigureAwait(false);
        return found.IsOk && IsFresh(found.Value.Metadata, _options.PolicyOf(key.Namespace)) ? found : await ContinueAsync(key, expected, found, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<Outcome<IBlobReader>> ContinueAsync(BlobKey key, ByteRange expected, Outcome<IBlobReader> near, CancellationToken cancellationToken)
    {
        var policy = _options.PolicyOf(key.Namespace);
        var copy = near.Value;
        try
        {
            for (var attempt = 0; attempt < MaxAttempts; attempt++)
            {
                var stamp = _near.GetGeneration(key);
                if (copy is null)
                {
                    // Looked up again, with the stamp from before: a fetch that has just been published has either changed the stamp before it was read, and is found here, or can be joined.
                    near = await _near.OpenReadAsync(key, expected, cancellationToken).ConfigureAwait(false);
                    copy = near.Value;
                    if (copy is not null && IsFresh(copy.Metadata, policy))
                        return Take(ref copy, BlobSource.Local);
                    if (copy is null && IsPending(key) && await LookAgainAsync(near, () => _near.OpenReadAsync(key, expected, cancellationToken)).ConfigureAwait(false) is { } pending)
                        return pending;
                }
                if (copy is not null)
                {
                    var (verdict, detail) = await JudgeAsync(key, stamp, policy, copy.Metadata, cancellationToken).ConfigureAwait(false);
                    if (verdict is BlobSource.Stale)
                        return TakeStale(ref copy, key, detail);
                    if (verdict is { } source)
                        return Take(ref copy, source);
                }
                var fetched = await FetchAsync(key, expected, stamp, policy, mayLookAgain: attempt < MaxAttempts - 1, cancellationToken).ConfigureAwait(false);
                if (fetched.Status == StoreStatus.Unavailable && copy is not null)
                    return TakeStale(ref copy, key, fetched.Detail);
                if (fetched.Status == StoreStatus.Missing && copy is not null && !await DropAsync(key, stamp, cancellationToken).ConfigureAwait(false))
                    fetched = StoreStatus.Superseded;
                if (fetched.Status == StoreStatus.Missing && _near.GetGeneration(key) != stamp)
                    fetched = StoreStatus.Superseded;
                if (fetched.Status != StoreStatus.Superseded)
                    return fetched;
                if (copy is not null)
                    await copy.DisposeAsync().ConfigureAwait(false);
                copy = null;
            }
            return Outcome<IBlobReader>.Fail(StoreStatus.Unavailable, "The key changes all the time.");
        }
        finally
        {
            if (copy is not null)
                await copy.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>What a local copy that is no longer fresh is worth: null when it is not the present version, or nothing is.</summary>
    private async ValueTask<(BlobSource? Verdict, string? Detail)> JudgeAsync(BlobKey key, long stamp, TierPolicy policy, BlobMetadata copy, CancellationToken cancellationToken)
    {
        var far = await AskAsync(key, stamp, policy, hasCopy: true, cancellationToken).ConfigureAwait(false);
        if (far.Status == StoreStatus.Unavailable)
            return (BlobSource.Stale, far.Detail);
        if (!far.IsOk || !FarBlobs.AreSame(copy, far.Value))
            return (null, null);
        _counters.Revalidated();
        return (BlobSource.Revalidated, null);
    }

    /// <summary>Asks the far store, or what is remembered of what it said.</summary>
    private ValueTask<Outcome<BlobMetadata>> AskAsync(BlobKey key, long stamp, TierPolicy policy, bool hasCopy, CancellationToken cancellationToken)
    {
        if (!hasCopy)
        {
            if (_answers.Find(key, stamp) is { } answer && _answers.IsYounger(answer, answer.Blob is null ? _options.MissMemory : _options.StatMemory))
                return new(answer.Blob ?? (Outcome<BlobMetadata>)StoreStatus.Missing);
            if (_fills.Find(key, stamp) is { } coming)
                return new(coming);
        }
        return new(_stats.AskAsync(key, stamp, _softened.Find(key), policy, cancellationToken));
    }

    /// <summary>Joins the key's fetch, or begins one. <see cref="StoreStatus.Superseded"/> when something has happened to the key, so that it is to be looked at again.</summary>
    private async ValueTask<Outcome<IBlobReader>> FetchAsync(BlobKey key, ByteRange expected, long stamp, TierPolicy policy, bool mayLookAgain, CancellationToken cancellationToken)
    {
        if (_answers.Find(key, stamp) is { Blob: null } missing && _answers.IsYounger(missing, _options.MissMemory))
            return StoreStatus.Missing;
        var (fill, join) = _fills.Join(key, stamp, _softened.Find(key), policy, mayLookAgain);
        if (fill is null)
            return join == FillJoin.LookAgain ? StoreStatus.Superseded : Outcome<IBlobReader>.Fail(StoreStatus.Unavailable, join == FillJoin.Full ? FarDetails.Busy : "The store is closing.");
        if (join == FillJoin.Joined)
            _counters.Collapsed();
        IBlobReader? reader = null;
        try
        {
            var opened = join == FillJoin.Begun ? await fill.Opened.WaitAsync(cancellationToken).ConfigureAwait(false) : await WaitAsync(fill, policy, cancellationToken).ConfigureAwait(false);
            if (!opened.IsOk)
                return Failed<IBlobReader>(opened.Status, opened.ForClients(_options).Detail);
            var source = join == FillJoin.Begun ? BlobSource.Filled : BlobSource.Collapsed;
            if (fill.IsBypassed && expected == ByteRange.Whole)
            {
                var past = await OpenPastDiskAsync(fill, opened.Value, policy, source, cancellationToken).ConfigureAwait(false);
                reader = past.Value;
                return past;
            }
            reader = new FillReader(_fills, fill, opened.Value, policy, expected, source);
            return Outcome<IBlobReader>.Good(reader);
        }
        finally
        {
            if (reader is null)
                await fill.RemoveReaderAsync().ConfigureAwait(false);
        }
    }

    /// <summary>A reader of what the local store did not take: one has what the fetch has opened, everybody else the version that the far store has when he comes.</summary>
    /// <returns>The reader, which holds the place at the fetch from now on; or why there is none.</returns>
    private async ValueTask<Outcome<IBlobReader>> OpenPastDiskAsync(Fill fill, BlobMetadata blob, TierPolicy policy, BlobSource source, CancellationToken cancellationToken)
    {
        var spare = fill.TakeSpare();
        var far = spare;
        if (far is null)
        {
            var opened = await _far.OpenReadAsync(fill.Key, ByteRange.Whole, cancellationToken).ConfigureAwait(false);
            if (!opened.IsOk)
                return Failed<IBlobReader>(opened.Status, opened.ForClients(_options).Detail);
            far = opened.Value;
            blob = FarBlobs.Normalize(far.Metadata, policy);
        }
        var reader = new FillReader(_fills, fill, blob, policy, ByteRange.Whole, source);
        await reader.UseAsync(far, spare is not null, offset: 0, cancellationToken).ConfigureAwait(false);
        return Outcome<IBlobReader>.Good(reader);
    }

    /// <summary>
    /// Waits for a fetch that somebody else has begun. If the request came through other nodes, one of them may be the one that the fetch asks, and wait for the answer to just
    /// this request. A question that has all of its way with it finds that out: where it comes to a node the second time, it ends at once.
    /// </summary>
    private async ValueTask<Outcome<BlobMetadata>> WaitAsync(Fill fill, TierPolicy policy, CancellationToken cancellationToken)
    {
        if (_options.Route() is not null && !fill.Opened.IsCompleted)
        {
            try
            {
                return await fill.Opened.WaitAsync(_options.CircleCheckAfter, _time, cancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                if (await FindCircleAsync(fill.Key, fill.Stamp, policy, cancellationToken).ConfigureAwait(false) is { } circle)
                    return circle;
            }
        }
        return await fill.Opened.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The far store has nothing under the key any more: the local copy goes too, unless something has happened to the key since.</summary>
    private async ValueTask<bool> DropAsync(BlobKey key, long stamp, CancellationToken cancellationToken)
    {
        using var held = await _gate.EnterAsync(key, _options.WaitLimit, cancellationToken).ConfigureAwait(false);
        if (held is null || _near.GetGeneration(key) != stamp || IsPending(key))
            return false;
        return (await _near.DeleteAsync(key, condition: null, CancellationToken.None).ConfigureAwait(false)).Status is StoreStatus.Ok or StoreStatus.Missing;
    }

    private static Outcome<IBlobReader> Take(ref IBlobReader? copy, BlobSource source)
    {
        var taken = copy!;
        copy = null;
        return Outcome<IBlobReader>.Good(source == BlobSource.Local ? taken : new SourcedReader(taken, taken.Metadata, source));
    }

    private Outcome<IBlobReader> TakeStale(ref IBlobReader? copy, BlobKey key, string? detail)
    {
        _counters.Stale();
        LogStale(key, detail);
        return Take(ref copy, BlobSource.Stale);
    }

    private Outcome<BlobMetadata> Stale(Outcome<BlobMetadata> near, string? detail)
    {
        _counters.Stale();
        LogStale(near.Value!.Key, detail);
        return near;
    }
}
