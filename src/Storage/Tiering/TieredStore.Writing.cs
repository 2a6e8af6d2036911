namespace EdgeCache.Storage.Tiering;

/// <content>Writing and deleting: the far store first, then here.</content>
public sealed partial class TieredStore
{
    /// <inheritdoc/>
    public async ValueTask<Outcome<IBlobWriter>> OpenWriteAsync(BlobKey key, PutOptions options, CancellationToken cancellationToken)
    {
        if (options.ExpectedLength > options.MaxLength)
            return StoreStatus.TooLarge;
        options = options with { Created = options.Created ?? DateTimeOffset.FromUnixTimeMilliseconds(_time.GetUtcNow().ToUnixTimeMilliseconds()), FarValidator = "" };

        // What becomes of the write, is decided when all of it is here.
        var isBack = _outbox is not null && _options.PolicyOf(key.Namespace).WriteBack;
        var staged = await _near.OpenWriteAsync(key, options with { Replace = true, Condition = null, IfGeneration = null }, cancellationToken).ConfigureAwait(false);
        if (staged.IsOk)
            return new TieredWriter(this, key, options, (IStagedBlobWriter)staged.Value, isBack);
        if (staged.Status is not (StoreStatus.NoSpace or StoreStatus.Unavailable))
            return staged;
        var direct = await OpenDirectAsync(key, options, cancellationToken).ConfigureAwait(false);
        return direct.IsOk ? new TieredWriter(this, key, options, direct.Value) : direct.ForClients(_options);
    }

    /// <inheritdoc/>
    public async ValueTask<Outcome<BlobMetadata>> DeleteAsync(BlobKey key, BlobCondition? condition, CancellationToken cancellationToken)
    {
        var (gate, refusal) = await EnterAsync(key, cancellationToken).ConfigureAwait(false);
        using var held = gate;
        if (held is null)
            return Failed<BlobMetadata>(StoreStatus.Unavailable, refusal);
        if (condition is not null && IsPending(key))
        {
            // The present version is here; the far store has an older one, or none.
            var current = await _near.StatAsync(key, cancellationToken).ConfigureAwait(false);
            if (!current.IsOk)
                current = await LookAgainAsync(current, () => _near.StatAsync(key, cancellationToken)).ConfigureAwait(false) ?? current;
            if (current.Status == StoreStatus.Unavailable)
                return current;
            if (!condition.Holds(current.Value))
                return StoreStatus.PreconditionFailed;
            condition = null;
        }
        var far = await _far.DeleteAsync(key, condition, CancellationToken.None).ConfigureAwait(false);
        if (far.Status is not (StoreStatus.Ok or StoreStatus.Missing))
            return far.ForClients(_options);
        var near = await _near.DeleteAsync(key, condition: null, CancellationToken.None).ConfigureAwait(false);
        if (near.Status is not (StoreStatus.Ok or StoreStatus.Missing))
            return Failed<BlobMetadata>(StoreStatus.Unavailable, near.Detail);
        await ForgetAsync(key).ConfigureAwait(false);
        return far.IsOk ? FarBlobs.Normalize(far.Value, _options.PolicyOf(key.Namespace)) : near;
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<BlobListing> ListAsync(BlobPrefix prefix, CancellationToken cancellationToken) =>
        MergedListing.Of(_far.ListAsync(prefix, cancellationToken), _near.ListAsync(prefix, cancellationToken), IsPending);

    internal ValueTask<Outcome<IBlobWriter>> OpenDirectAsync(BlobKey key, PutOptions options, CancellationToken cancellationToken)
    {
        _counters.DirectWrite();
        return _far.OpenWriteAsync(key, options with { IfGeneration = null }, cancellationToken);
    }

    /// <summary>Sends what was staged to the far store, and publishes it in both.</summary>
    internal async ValueTask<Outcome<PutReceipt>> CommitThroughAsync(BlobKey key, PutOptions options, IStagedBlobWriter staged, BlobMetadata content, CancellationToken cancellationToken)
    {
        var sending = options with { ExpectedLength = content.Length, ExpectedSha256 = content.Sha256, Checksums = content.Checksums, IfGeneration = null };
        var opened = await _far.OpenWriteAsync(key, sending, cancellationToken).ConfigureAwait(false);
        if (!opened.IsOk)
            return Failed<PutReceipt>(opened.Status, opened.ForClients(_options).Detail);
        await using var writer = opened.Value.ConfigureAwait(false);
        if (await StagedContent.CopyAsync(staged, content.Length, opened.Value, cancellationToken).ConfigureAwait(false) is var status && status != StoreStatus.Ok)
            return status;
        var (gate, refusal) = await EnterAsync(key, cancellationToken).ConfigureAwait(false);
        using var held = gate;
        if (held is null)
            return Failed<PutReceipt>(StoreStatus.Unavailable, refusal);
        if (options.IfGeneration is { } stamp && stamp != _near.GetGeneration(key))
            return StoreStatus.Superseded;
        if (options.Condition is not null && IsPending(key))
            return Busy<PutReceipt>();
        var at = _answers.Begin();
        var far = await opened.Value.CommitAsync(cancellationToken).ConfigureAwait(false);
        if (!far.IsOk)
            return far.ForClients(_options);
        return far.Value.Effect == PutEffect.Unchanged
            ? await SettleUnchangedAsync(far.Value).ConfigureAwait(false)
            : await SettleAsync(key, staged, far.Value, at).ConfigureAwait(false);
    }

    /// <summary>Publishes here what is to go to the far store later. Null when it must go at once: the outbox has no room, or a condition is to be held against what the far store has.</summary>
    internal async ValueTask<Outcome<PutReceipt>?> CommitBackAsync(BlobKey key, PutOptions options, IStagedBlobWriter staged, BlobMetadata content, CancellationToken cancellationToken)
    {
        var (gate, refusal) = await EnterAsync(key, cancellationToken).ConfigureAwait(false);
        using var held = gate;
        if (held is null)
            return Failed<PutReceipt>(StoreStatus.Unavailable, refusal);
        if (options.IfGeneration is { } stamp && stamp != _near.GetGeneration(key))
            return StoreStatus.Superseded;
        if (options.Condition is { } condition)
        {
            if (!IsPending(key))
                return null;
            var current = await _near.StatAsync(key, cancellationToken).ConfigureAwait(false);
            if (!current.IsOk)
                current = await LookAgainAsync(current, () => _near.StatAsync(key, cancellationToken)).ConfigureAwait(false) ?? current;
            if (current.Status == StoreStatus.Unavailable)
                return Failed<PutReceipt>(current.Status, current.Detail);
            if (!condition.Holds(current.Value))
                return StoreStatus.PreconditionFailed;
        }
        var hadEntry = IsPending(key);
        if (!hadEntry && await RemoveOlderCopyAsync(key).ConfigureAwait(false) is { } fault)
            return fault;
        try
        {
            // Not to be cancelled: an entry that nobody waits for any more would send an older copy.
            if (await _outbox!.AddAsync(key, content.Length, CancellationToken.None).ConfigureAwait(false) is null)
                return null;
        }
        catch (IOException)
        {
            return null;
        }

        // If this fails, an entry that was there before stays: it stands for the version that is here. Otherwise that is a copy, which must not be sent over what others wrote since.
        var near = await staged.CommitAsync(CancellationToken.None).ConfigureAwait(false);
        if (!near.IsOk && !hadEntry)
            await ForgetAsync(key).ConfigureAwait(false);
        OnOutboxAdded?.Invoke();
        return near;
    }

    /// <summary>Publishes in the far store what went past the local one, and takes an older copy away here.</summary>
    internal async ValueTask<Outcome<PutReceipt>> CommitDirectAsync(BlobKey key, PutOptions options, IBlobWriter writer, CancellationToken cancellationToken)
    {
        var (gate, refusal) = await EnterAsync(key, cancellationToken).ConfigureAwait(false);
        using var held = gate;
        if (held is null)
            return Failed<PutReceipt>(StoreStatus.Unavailable, refusal);
        if (options.IfGeneration is { } stamp && stamp != _near.GetGeneration(key))
            return StoreStatus.Superseded;
        if (options.Condition is not null && IsPending(key))
            return Busy<PutReceipt>();
        var at = _answers.Begin();
        var far = await writer.CommitAsync(cancellationToken).ConfigureAwait(false);
        if (!far.IsOk)
            return far.ForClients(_options);
        return far.Value.Effect == PutEffect.Unchanged ? await SettleUnchangedAsync(far.Value).ConfigureAwait(false) : await SettleAsync(key, staged: null, far.Value, at).ConfigureAwait(false);
    }

    /// <summary>Under the gate: the far store has a new version; here there must be the same or none.</summary>
    private async ValueTask<Outcome<PutReceipt>> SettleAsync(BlobKey key, IStagedBlobWriter? staged, PutReceipt far, Moment at)
    {
        if (staged is not null)
        {
            var near = await staged.CommitAsync(CancellationToken.None).ConfigureAwait(false);
            if (near.IsOk)
            {
                _answers.Note(key, _near.GetGeneration(key), at, near.Value.Metadata);
                return new PutReceipt(far.Effect, near.Value.Metadata, StoredWhere.Far);
            }
        }
        var blob = FarBlobs.Normalize(far.Metadata, _options.PolicyOf(key.Namespace));
        return await RemoveCopyAsync(key).ConfigureAwait(false) is { } fault ? fault : new PutReceipt(far.Effect, blob, StoredWhere.Far);
    }

    /// <summary>Under the gate: the far store had the same bytes already, perhaps as somebody else's object. Here there may be another version, or none.</summary>
    private async ValueTask<Outcome<PutReceipt>> SettleUnchangedAsync(PutReceipt far)
    {
        var key = far.Metadata.Key;
        var copy = await _near.StatAsync(key, CancellationToken.None).ConfigureAwait(false);
        if (copy.IsOk && copy.Value.Sha256 == far.Metadata.Sha256)
            return far with { Metadata = copy.Value };

        // Also where there is none: what is remembered, asked or fetched from before somebody wrote it there ends with the stamp.
        if (await RemoveCopyAsync(key).ConfigureAwait(false) is { } fault)
            return fault;
        return far with { Metadata = FarBlobs.Normalize(far.Metadata, _options.PolicyOf(key.Namespace)) };
    }

    /// <summary>Under the gate, when there is nothing of a key here that is to be uploaded. If that can't be written down, it is found out when it is its turn.</summary>
    private async ValueTask ForgetAsync(BlobKey key)
    {
        if (_outbox?.Find(key) is not { } entry)
            return;
        try
        {
            await _outbox.RemoveAsync(entry, CancellationToken.None).ConfigureAwait(false);
        }
        catch (IOException error)
        {
            LogNotForgotten(error, key);
        }
    }

    /// <summary>
    /// Under the gate, before an entry is made: takes away a copy of what the far store has. After a crash an entry stands for what is here then, and a copy must not be sent over what other
    /// nodes have written since.
    /// </summary>
    private async ValueTask<Outcome<PutReceipt>?> RemoveOlderCopyAsync(BlobKey key) =>
        (await _near.StatAsync(key, CancellationToken.None).ConfigureAwait(false)).Status == StoreStatus.Missing && _near.State.Rebuilding is null
            ? null
            : await RemoveCopyAsync(key).ConfigureAwait(false);

    private async ValueTask<Outcome<PutReceipt>?> RemoveCopyAsync(BlobKey key)
    {
        var removed = await _near.DeleteAsync(key, condition: null, CancellationToken.None).ConfigureAwait(false);
        if (removed.Status is StoreStatus.Ok or StoreStatus.Missing)
            return null;
        return Outcome<PutReceipt>.Fail(StoreStatus.Unavailable, $"The far store has the blob, but an older copy here can't be removed: {removed.Detail}");
    }
}
