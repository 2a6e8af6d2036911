using EdgeCache.Storage.Local.Files;
using EdgeCache.Storage.Local.Format;
using EdgeCache.Storage.Local.Index;

namespace EdgeCache.Storage.Local.Memory;

/// <summary>
/// A large blob's file, open, with its header read: what a reader would have to do again at every hit. Shared by its readers and the cache of open files, and closed when the
/// last of them lets go. The file lives on for them when its name is replaced or removed.
/// </summary>
internal sealed class OpenFile(in IndexEntry entry, IStoreFile file, BlobHeaderInfo info, string path) : CacheNode(entry, cost: 1)
{
    // Begins with the one who opened it. At 0 the file is closed for good.
    private int _users = 1;

    public IStoreFile File { get; } = file;

    public BlobHeaderInfo Info { get; } = info;

    public string Path { get; } = path;

    /// <summary>Counts one more user; false when it has been closed.</summary>
    public bool TryAddUser()
    {
        while (true)
        {
            var users = Volatile.Read(ref _users);
            if (users == 0)
                return false;
            if (Interlocked.CompareExchange(ref _users, users + 1, users) == users)
                return true;
        }
    }

    public void RemoveUser()
    {
        if (Interlocked.Decrement(ref _users) == 0)
            File.Dispose();
    }

    public override void OnRemoved() => RemoveUser();
}
