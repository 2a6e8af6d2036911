using EdgeCache.Storage;

namespace EdgeCache.TestKit.Stores;

/// <summary>A call of a store.</summary>
public enum StoreCall
{
    OpenRead,
    Read,
    Stat,
    OpenWrite,
    Write,
    Commit,
    Delete,
}

/// <summary>
/// A store in front of another that asks the test before each call: it may let it pass, answer with a failure, throw, or wait, so that other things happen in the middle.
/// </summary>
public sealed class FaultyStore(IBlobStore inner) : IBlobStore
{
    private readonly List<(StoreCall Call, BlobKey Key)> _calls = [];

    /// <summary>Asked before each call; <see cref="StoreStatus.Ok"/> lets it pass. A read can only pass or throw.</summary>
    public Func<StoreCall, BlobKey, ValueTask<StoreStatus>>? Before { get; set; }

    /// <summary>What it says of itself instead.</summary>
    public Func<StoreState, StoreState> Say { get; set; } = static state => state;

    /// <summary>What every writer was opened with, in order.</summary>
    public List<PutOptions> Writes { get; } = [];

    public StoreState State => Say(inner.State);

    /// <summary>How often a call was tried, of one key or of all.</summary>
    public int Count(StoreCall call, BlobKey? key = null)
    {
        lock (_calls)
            return _calls.Count(c => c.Call == call && (key is null || c.Key == key));
    }

    /// <summary>The keys of a call, in order.</summary>
    public IReadOnlyList<string> KeysOf(StoreCall call)
    {
        lock (_calls)
            return [.. _calls.Where(c => c.Call == call).Select(c => c.Key.Key)];
    }

    public async ValueTask<Outcome<IBlobReader>> OpenReadAsync(BlobKey key, ByteRange expected, CancellationToken cancellationToken)
    {
        if (await AskAsync(StoreCall.OpenRead, key) is var status && status != StoreStatus.Ok)
            return status;
        var opened = await inner.OpenReadAsync(key, expected, cancellationToken);
        return opened.IsOk ? Outcome<IBlobReader>.Good(new Reader(this, opened.Value)) : opened;
    }

    public async ValueTask<Outcome<BlobMetadata>> StatAsync(BlobKey key, CancellationToken cancellationToken) =>
        await AskAsync(StoreCall.Stat, key) is var status && status != StoreStatus.Ok ? status : await inner.StatAsync(key, cancellationToken);

    public async ValueTask<Outcome<IBlobWriter>> OpenWriteAsync(BlobKey key, PutOptions options, CancellationToken cancellationToken)
    {
        lock (_calls)
            Writes.Add(options);
        if (await AskAsync(StoreCall.OpenWrite, key) is var status && status != StoreStatus.Ok)
            return status;
        var opened = await inner.OpenWriteAsync(key, options, cancellationToken);
        return opened.IsOk ? Outcome<IBlobWriter>.Good(new Writer(this, key, opened.Value)) : opened;
    }

    public async ValueTask<Outcome<BlobMetadata>> DeleteAsync(BlobKey key, BlobCondition? condition, CancellationToken cancellationToken) =>
        await AskAsync(StoreCall.Delete, key) is var status && status != StoreStatus.Ok ? status : await inner.DeleteAsync(key, condition, cancellationToken);

    public IAsyncEnumerable<BlobListing> ListAsync(BlobPrefix prefix, CancellationToken cancellationToken) => inner.ListAsync(prefix, cancellationToken);

    public long GetGeneration(BlobKey key) => inner.GetGeneration(key);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private async ValueTask<StoreStatus> AskAsync(StoreCall call, BlobKey key)
    {
        lock (_calls)
            _calls.Add((call, key));
        return Before is { } before ? await before(call, key) : StoreStatus.Ok;
    }

    private sealed class Reader(FaultyStore owner, IBlobReader reader) : IBlobReader
    {
        public BlobMetadata Metadata => reader.Metadata;

        public BlobSource Source => reader.Source;

        public ReadOnlyMemory<byte>? ContentMd5 => reader.ContentMd5;

        public async ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
        {
            await owner.AskAsync(StoreCall.Read, Metadata.Key);
            return await reader.ReadAsync(offset, buffer, cancellationToken);
        }

        public ValueTask DisposeAsync() => reader.DisposeAsync();
    }

    private sealed class Writer(FaultyStore owner, BlobKey key, IBlobWriter writer) : IStagedBlobWriter
    {
        private IStagedBlobWriter Staged => writer as IStagedBlobWriter ?? throw new NotSupportedException("The store behind does not stage.");

        public async ValueTask<StoreStatus> WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
            await owner.AskAsync(StoreCall.Write, key) is var status && status != StoreStatus.Ok ? status : await writer.WriteAsync(content, cancellationToken);

        public async ValueTask<Outcome<PutReceipt>> CommitAsync(CancellationToken cancellationToken) =>
            await owner.AskAsync(StoreCall.Commit, key) is var status && status != StoreStatus.Ok ? status : await writer.CommitAsync(cancellationToken);

        public ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken) => Staged.ReadAsync(offset, buffer, cancellationToken);

        public Outcome<BlobMetadata> EndContent() => Staged.EndContent();

        public ValueTask DisposeAsync() => writer.DisposeAsync();
    }
}
