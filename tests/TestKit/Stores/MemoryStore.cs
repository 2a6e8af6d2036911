using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using EdgeCache.Storage;

namespace EdgeCache.TestKit.Stores;

/// <summary>A store in memory that keeps the whole contract, for tests in which what matters is what happens around a store. As far from the node as its receipts say.</summary>
public sealed class MemoryStore(StoredWhere stored = StoredWhere.Far, TimeProvider? time = null) : IBlobStore
{
    private readonly ConcurrentDictionary<BlobKey, MemoryBlob> _blobs = new();
    private readonly GenerationTable _generations = new();

    // One change of any key at a time.
    private readonly Lock _lock = new();
    private long _generation;

    public StoreState State => new(_blobs.Values.Sum(b => b.Metadata.Length), long.MaxValue, _blobs.Count, null);

    /// <summary>Writers that are not disposed yet.</summary>
    public int OpenWriters => Volatile.Read(ref _openWriters);

    /// <summary>Readers that are not disposed yet.</summary>
    public int OpenReaders => Volatile.Read(ref _openReaders);

    /// <summary>The names of all that is there, in order.</summary>
    public IReadOnlyList<string> Keys => [.. _blobs.Keys.Select(k => k.ToString()).Order(StringComparer.Ordinal)];

    private int _openWriters;
    private int _openReaders;

    public ValueTask<Outcome<IBlobReader>> OpenReadAsync(BlobKey key, ByteRange expected, CancellationToken cancellationToken)
    {
        if (!_blobs.TryGetValue(key, out var blob))
            return new(StoreStatus.Missing);
        Interlocked.Increment(ref _openReaders);
        return new(Outcome<IBlobReader>.Good(new MemoryReader(blob, () => Interlocked.Decrement(ref _openReaders))));
    }

    public ValueTask<Outcome<BlobMetadata>> StatAsync(BlobKey key, CancellationToken cancellationToken) =>
        new(_blobs.TryGetValue(key, out var blob) ? blob.Metadata : StoreStatus.Missing);

    public ValueTask<Outcome<IBlobWriter>> OpenWriteAsync(BlobKey key, PutOptions options, CancellationToken cancellationToken)
    {
        if (options.ExpectedLength > options.MaxLength)
            return new(StoreStatus.TooLarge);
        if (options.Condition?.Holds(_blobs.GetValueOrDefault(key)?.Metadata) == false)
            return new(StoreStatus.PreconditionFailed);
        Interlocked.Increment(ref _openWriters);
        return new(Outcome<IBlobWriter>.Good(new MemoryWriter(Draft(key, options), options, Publish, () => Interlocked.Decrement(ref _openWriters))));
    }

    public ValueTask<Outcome<BlobMetadata>> DeleteAsync(BlobKey key, BlobCondition? condition, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            var current = _blobs.GetValueOrDefault(key)?.Metadata;
            if (condition?.Holds(current) == false)
                return new(StoreStatus.PreconditionFailed);
            _generations.Advance(key);
            _blobs.TryRemove(key, out _);
            return new(current is null ? StoreStatus.Missing : current);
        }
    }

    public async IAsyncEnumerable<BlobListing> ListAsync(BlobPrefix prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var found = _blobs.Values.Select(b => b.Metadata).Where(m => IsIn(prefix, m)).OrderBy(m => m.Key.Tenant, StringComparer.Ordinal).ThenBy(m => m.Key.Key, StringComparer.Ordinal);
        foreach (var metadata in found.ToList())
        {
            cancellationToken.ThrowIfCancellationRequested();
            await Task.CompletedTask;
            yield return new BlobListing(metadata.Key, metadata.Length, metadata.Created);
        }
    }

    public long GetGeneration(BlobKey key) => _generations.Get(key);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static bool IsIn(BlobPrefix prefix, BlobMetadata blob) =>
        blob.Key.Namespace == prefix.Namespace && (prefix.Tenant is null || blob.Key.Tenant == prefix.Tenant) && blob.Key.Key.StartsWith(prefix.KeyPrefix, StringComparison.Ordinal)
        && (prefix.Tag is null || blob.Tags.Contains(prefix.Tag, StringComparer.Ordinal)) && (prefix.Writer is null || blob.Writer == prefix.Writer);

    private BlobMetadata Draft(BlobKey key, PutOptions options)
    {
        var now = (time ?? TimeProvider.System).GetUtcNow();
        return new BlobMetadata
        {
            Key = key,
            Length = 0,
            Sha256 = default,
            PayloadLength = 0,
            PayloadSha256 = default,
            Generation = 0,
            Created = options.Created ?? DateTimeOffset.FromUnixTimeMilliseconds(now.ToUnixTimeMilliseconds()),
            ContentType = options.ContentType,
            Writer = options.Writer,
            Tags = options.Tags,
            StoredHeaders = options.StoredHeaders,
            FarValidator = options.FarValidator,
            UnknownFields = options.UnknownFields,
        };
    }

    private Outcome<PutReceipt> Publish(BlobMetadata draft, byte[] content, PutOptions options)
    {
        lock (_lock)
        {
            var current = _blobs.GetValueOrDefault(draft.Key)?.Metadata;
            if (options.IfGeneration is { } stamp && stamp != _generations.Get(draft.Key))
                return StoreStatus.Superseded;
            if (options.Condition?.Holds(current) == false)
                return StoreStatus.PreconditionFailed;
            if (current?.Sha256 == draft.Sha256)
                return new PutReceipt(PutEffect.Unchanged, current, stored);
            if (current is not null && !options.Replace)
                return StoreStatus.Exists;
            // As stores do it, so that of two stores the later write has the larger one.
            _generation = Math.Max(_generation + 1, (TimeProvider.System.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond);
            var next = draft with { Generation = _generation };
            _generations.Advance(draft.Key);
            _blobs[draft.Key] = new MemoryBlob(next, content);
            _generations.Advance(draft.Key);
            return new PutReceipt(current is null ? PutEffect.Created : PutEffect.Replaced, next, stored);
        }
    }

    internal sealed record MemoryBlob(BlobMetadata Metadata, byte[] Content);

    private sealed class MemoryReader(MemoryBlob blob, Action closed) : IBlobReader
    {
        private bool _isClosed;

        public BlobMetadata Metadata => blob.Metadata;

        public ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            var part = blob.Content.AsSpan((int)offset)[..(int)Math.Min(buffer.Length, blob.Content.Length - offset)];
            part.CopyTo(buffer.Span);
            return new(part.Length);
        }

        public ValueTask DisposeAsync()
        {
            if (!_isClosed)
                closed();
            _isClosed = true;
            return ValueTask.CompletedTask;
        }
    }

    private sealed class MemoryWriter(BlobMetadata draft, PutOptions options, Func<BlobMetadata, byte[], PutOptions, Outcome<PutReceipt>> publish, Action closed) : IStagedBlobWriter
    {
        // Protects the content, which is read while it is written.
        private readonly Lock _lock = new();
        private readonly MemoryStream _content = new();
        private StoreStatus _refused = StoreStatus.Ok;
        private bool _isClosed;

        public ValueTask<StoreStatus> WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            lock (_lock)
            {
                var length = _content.Length + content.Length;
                if (_refused == StoreStatus.Ok && length > options.MaxLength)
                    _refused = StoreStatus.TooLarge;
                if (_refused == StoreStatus.Ok && length > options.ExpectedLength)
                    _refused = StoreStatus.LengthMismatch;
                if (_refused == StoreStatus.Ok)
                    _content.Write(content.Span);
                return new(_refused);
            }
        }

        public ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            lock (_lock)
            {
                var count = (int)Math.Clamp(_content.Length - offset, 0, buffer.Length);
                _content.GetBuffer().AsSpan((int)offset, count).CopyTo(buffer.Span);
                return new(count);
            }
        }

        public Outcome<BlobMetadata> EndContent()
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            lock (_lock)
            {
                if (_refused != StoreStatus.Ok)
                    return _refused;
                if (options.ExpectedLength is { } length && length != _content.Length)
                    return StoreStatus.LengthMismatch;
                var digest = new Sha256Digest(SHA256.HashData(_content.GetBuffer().AsSpan(0, (int)_content.Length)));
                if (options.ExpectedSha256 is { } expected && expected != digest)
                    return StoreStatus.DigestMismatch;
                return draft with { Length = _content.Length, PayloadLength = _content.Length, Sha256 = digest, PayloadSha256 = digest };
            }
        }

        public ValueTask<Outcome<PutReceipt>> CommitAsync(CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var ended = EndContent();
            return new(ended.IsOk ? publish(ended.Value, _content.ToArray(), options) : ended.Status);
        }

        public ValueTask DisposeAsync()
        {
            if (!_isClosed)
                closed();
            _isClosed = true;
            return ValueTask.CompletedTask;
        }
    }
}
