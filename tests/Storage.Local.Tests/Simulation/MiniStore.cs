using System.Runtime.CompilerServices;
using EdgeCache.Storage.Local.Files;

namespace EdgeCache.Storage.Local.Tests.Simulation;

/// <summary>What is wrong with a <see cref="MiniStore"/>.</summary>
internal enum Mutant
{
    None,
    NoFileSync,
    NoFolderSyncAfterPut,
    NoFolderSyncAfterDelete,
    RenameBeforeSync,
    WriteInPlace,
    RetryFailedSync,
    IgnoreFailedSync,
    RewriteOnRecovery,
}

/// <summary>
/// The smallest store that can be right: a file a blob (digest, then content), written beside, synced, renamed, folder synced. It checks nothing when it
/// reads, so a missing sync shows. The crash matrix is tested with it and with its mutants.
/// </summary>
internal sealed class MiniStore : IBlobStore
{
    public const string Folder = "/mini";
    private const string Temporary = ".tmp";

    private readonly IFileSystem _files;
    private readonly Mutant _mutant;

    public MiniStore(IFileSystem files, Mutant mutant = Mutant.None)
    {
        _files = files;
        _mutant = mutant;
        foreach (var name in files.List(Folder).Where(n => n.EndsWith(Temporary, StringComparison.Ordinal)))
            files.Delete(PathOf(name));
        foreach (var name in files.List(Folder).Where(_ => mutant == Mutant.RewriteOnRecovery))
            Rewrite(PathOf(name));
    }

    public StoreState State => new(0, long.MaxValue, 0, null);

    public ValueTask<Outcome<BlobMetadata>> StatAsync(BlobKey key, CancellationToken cancellationToken) =>
        new(Read(key) is { } blob ? blob.Metadata : StoreStatus.Missing);

    public ValueTask<Outcome<IBlobReader>> OpenReadAsync(BlobKey key, ByteRange expected, CancellationToken cancellationToken) =>
        new(Read(key) is { } blob ? blob : StoreStatus.Missing);

    public ValueTask<Outcome<IBlobWriter>> OpenWriteAsync(BlobKey key, PutOptions options, CancellationToken cancellationToken) => new(new Writer(this, key));

    public ValueTask<Outcome<BlobMetadata>> DeleteAsync(BlobKey key, BlobCondition? condition, CancellationToken cancellationToken)
    {
        if (Read(key) is not { } blob)
            return new(StoreStatus.Missing);
        try
        {
            _files.Delete(PathOf(key.Key));
            if (_mutant != Mutant.NoFolderSyncAfterDelete)
                _files.SyncFolder(Folder);
            return new(blob.Metadata);
        }
        catch (IOException)
        {
            return new(StoreStatus.Unavailable);
        }
    }

    public async IAsyncEnumerable<BlobListing> ListAsync(BlobPrefix prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        foreach (var name in _files.List(Folder).Where(n => !n.EndsWith(Temporary, StringComparison.Ordinal)))
            yield return new BlobListing(BlobKey.Create(prefix.Namespace, "", name), 0, default);
    }

    public long GetGeneration(BlobKey key) => 0;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static string PathOf(string name) => $"{Folder}/{name}";

    private Reader? Read(BlobKey key)
    {
        if (!_files.Exists(PathOf(key.Key)))
            return null;
        using var file = _files.Open(PathOf(key.Key), writable: false);
        var bytes = new byte[file.Length];
        file.Read(0, bytes);
        if (bytes.Length < Sha256Digest.Size)
            throw new BlobDamagedException($"{key} has {bytes.Length} bytes.");
        var digest = new Sha256Digest(bytes.AsSpan(0, Sha256Digest.Size));
        return new Reader(Describe(key, bytes.Length - Sha256Digest.Size, digest), bytes.AsMemory(Sha256Digest.Size));
    }

    private static BlobMetadata Describe(BlobKey key, long length, Sha256Digest digest) => new()
    {
        Key = key,
        Length = length,
        Sha256 = digest,
        PayloadLength = length,
        PayloadSha256 = digest,
        Created = default,
        Generation = 1,
    };

    private Outcome<PutReceipt> Put(BlobKey key, byte[] content)
    {
        var path = PathOf(key.Key);
        var temporary = path + Temporary;
        var digest = RecordedStore.DigestOf(content);
        var header = new byte[Sha256Digest.Size];
        digest.CopyTo(header);
        try
        {
            var inPlace = _mutant == Mutant.WriteInPlace;
            using (var file = inPlace && _files.Exists(path) ? _files.Open(path, writable: true) : _files.Create(inPlace ? path : temporary))
            {
                file.Write(0, [header, content]);
                if (_mutant == Mutant.RenameBeforeSync)
                    _files.Rename(temporary, path);
                if (_mutant != Mutant.NoFileSync)
                    Sync(file);
            }
            if (_mutant is not (Mutant.RenameBeforeSync or Mutant.WriteInPlace))
                _files.Rename(temporary, path);
            if (_mutant != Mutant.NoFolderSyncAfterPut)
                _files.SyncFolder(Folder);
            return new PutReceipt(PutEffect.Created, Describe(key, content.Length, digest), StoredWhere.Local);
        }
        catch (IOException)
        {
            RemoveQuietly(temporary);
            return StoreStatus.Unavailable;
        }
    }

    private void Sync(IStoreFile file)
    {
        try
        {
            file.Sync();
        }
        catch (IOException) when (_mutant == Mutant.RetryFailedSync)
        {
            file.Sync();
        }
        catch (IOException) when (_mutant == Mutant.IgnoreFailedSync)
        {
            // The mutant's fault.
        }
    }

    private void Rewrite(string path)
    {
        byte[] bytes;
        using (var old = _files.Open(path, writable: false))
        {
            bytes = new byte[old.Length];
            old.Read(0, bytes);
        }
        _files.Delete(path);
        using var file = _files.Create(path);
        file.Write(0, bytes);
        file.Sync();
        _files.SyncFolder(Folder);
    }

    private void RemoveQuietly(string path)
    {
        try
        {
            _files.Delete(path);
        }
        catch (IOException)
        {
            // The next start removes it.
        }
    }

    private sealed class Reader(BlobMetadata metadata, ReadOnlyMemory<byte> content) : IBlobReader
    {
        public BlobMetadata Metadata => metadata;

        public ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
        {
            var part = content[(int)offset..];
            part = part[..Math.Min(part.Length, buffer.Length)];
            part.CopyTo(buffer);
            return new(part.Length);
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    private sealed class Writer(MiniStore store, BlobKey key) : IBlobWriter
    {
        private readonly List<byte> _content = [];

        public ValueTask<StoreStatus> WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
        {
            _content.AddRange(content.Span);
            return new(StoreStatus.Ok);
        }

        public ValueTask<Outcome<PutReceipt>> CommitAsync(CancellationToken cancellationToken) => new(store.Put(key, [.. _content]));

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
