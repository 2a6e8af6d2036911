namespace EdgeCache.Storage.Tiering;

/// <summary>Asks the far store about keys: once for all who ask about one at the same time, and remembers what it says.</summary>
internal sealed class FarStats(IBlobStore far, AnswerMemory answers, TieredStoreOptions options)
{
    private readonly Lock _lock = new(); // Protects the table; held for an instant.
    private readonly Dictionary<(BlobKey Key, long Stamp, long Since, string? Route), Task<Outcome<BlobMetadata>>> _asking = [];

    /// <summary>
    /// What the far store has, in the tiers' form. A question that was asked before the key changed here is no answer to one that is asked afterwards. Nor does anybody wait for a
    /// question of somebody who came another way, which may be what his own is waiting for.
    /// </summary>
    /// <param name="key">The key.</param>
    /// <param name="stamp">Its stamp.</param>
    /// <param name="since">The turn in which its copy was purged softly: a question from before that is no answer either. 0 for never.</param>
    /// <param name="policy">Of its namespace.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<Outcome<BlobMetadata>> AskAsync(BlobKey key, long stamp, long since, TierPolicy policy, CancellationToken cancellationToken)
    {
        var route = options.Route();
        Task<Outcome<BlobMetadata>> asking;
        lock (_lock)
        {
            if (!_asking.TryGetValue((key, stamp, since, route), out asking!))
            {
                if (_asking.Count >= options.MaxQueue)
                    return Task.FromResult(Outcome<BlobMetadata>.Fail(StoreStatus.Unavailable, FarDetails.Busy));
                _asking.Add((key, stamp, since, route), asking = Task.Run(() => AskOnceAsync(key, stamp, since, route, policy), CancellationToken.None));
            }
        }
        return asking.WaitAsync(cancellationToken);
    }

    private async Task<Outcome<BlobMetadata>> AskOnceAsync(BlobKey key, long stamp, long since, string? route, TierPolicy policy)
    {
        try
        {
            var at = answers.Begin();

            // One asker who leaves does not end it for the others; the far store has a time-out.
            var found = await far.StatAsync(key, CancellationToken.None).ConfigureAwait(false);
            if (found.IsOk)
            {
                var blob = FarBlobs.Normalize(found.Value, policy);
                answers.Note(key, stamp, at, blob);
                return blob;
            }
            if (found.Status == StoreStatus.Missing)
                answers.Note(key, stamp, at, blob: null);
            return found;
        }
        finally
        {
            lock (_lock)
                _asking.Remove((key, stamp, since, route));
        }
    }
}
