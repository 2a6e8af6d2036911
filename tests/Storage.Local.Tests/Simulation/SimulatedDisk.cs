using EdgeCache.Storage.Local.Files;

namespace EdgeCache.Storage.Local.Tests.Simulation;

/// <summary>
/// A disk in memory that knows what was synced and what was not, fails where a plan says so, and tells every state that a crash can leave.
/// It promises no more than POSIX and a journalling file system do, and often less:
/// <list type="bullet">
/// <item>What was written and not synced is there or not, write by write and sector by sector, in any combination; a file that grew may be longer, with zeros where data was lost.</item>
/// <item>A creation, rename or removal is there or not, each for itself, until its folder is synced. A rename is one step. A synced file may have no name, and a name an empty file.</item>
/// <item>A sync that failed gives up for good what it was to sync: reads still see it, no later sync makes it durable.</item>
/// </list>
/// </summary>
/// <remarks>
/// One lock protects everything, so a crash is an instant: no call after it changes anything, from whatever thread. Folders are given and durable;
/// the seam does not make them.
/// </remarks>
internal sealed partial class SimulatedDisk : IFileSystem
{
    public const long DefaultFreeBytes = 1L << 40;

    private readonly Lock _lock = new();
    private readonly HashSet<string> _folders;
    private readonly NameTable _names = new();
    private long _freeBytes = DefaultFreeBytes;

    public SimulatedDisk(params IEnumerable<string> folders) => _folders = [.. folders];

    /// <summary>Shrinks as files grow and grows as their last names go; a write or creation beyond it fails with ENOSPC.</summary>
    public long FreeBytes
    {
        get
        {
            lock (_lock)
            {
                ThrowIfCrashed();
                return _freeBytes;
            }
        }

        set
        {
            lock (_lock)
                _freeBytes = value;
        }
    }

    /// <summary>A new disk that holds what a crash left, all of it durable.</summary>
    public static SimulatedDisk FromImage(DiskImage image)
    {
        var disk = new SimulatedDisk(image.Folders) { FreeBytes = image.FreeBytes };
        foreach (var (path, file) in image.Files)
            disk._names.AddDurable(path, new SimulatedInode(file.Content.Span));
        return disk;
    }

    public IStoreFile Create(string path)
    {
        var inode = new SimulatedInode([]);
        Change(CallKind.Create, path, "", call =>
        {
            CheckFolder(NameTable.FolderOf(path));
            if (_names.Current.ContainsKey(path))
                throw new IOException($"The file '{path}' already exists.", hresult: 17);
            TakeSpace(0);
            _names.Create(call, path, inode);
        });
        return new SimulatedFile(this, inode, path, writable: true);
    }

    public IStoreFile Open(string path, bool writable)
    {
        lock (_lock)
        {
            Note(CallKind.Open, path, writable ? "for writing" : "");
            return new SimulatedFile(this, Find(path), path, writable);
        }
    }

    public void Rename(string from, string to) => Change(CallKind.Rename, from, $"to {to}", call =>
    {
        var inode = Find(from);
        CheckFolder(NameTable.FolderOf(to));
        if (from == to)
            return;
        if (_names.Current.TryGetValue(to, out var replaced) && replaced != inode)
            _freeBytes += replaced.AllocatedBytes;
        _names.Rename(call, from, to);
    });

    public void Delete(string path) => Change(CallKind.Delete, path, "", call =>
    {
        CheckFolder(NameTable.FolderOf(path));
        if (!_names.Current.TryGetValue(path, out var inode))
            return;
        _freeBytes += inode.AllocatedBytes;
        _names.Delete(call, path);
    });

    public void SyncFolder(string path) => Change(
        CallKind.SyncFolder,
        path,
        "",
        _ =>
        {
            CheckFolder(path);
            _names.Sync(path);
        },
        onFailure: _ => _names.FailSync(path));

    public bool Exists(string path)
    {
        lock (_lock)
        {
            Note(CallKind.Exists, path, "");
            return _names.Current.ContainsKey(path);
        }
    }

    public IReadOnlyList<string> List(string folder)
    {
        lock (_lock)
        {
            Note(CallKind.List, folder, "");
            CheckFolder(folder);
            // A real folder has no order; a fixed one keeps runs alike.
            return [.. _names.Current.Keys.Where(path => NameTable.FolderOf(path) == folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];
        }
    }

    /// <summary>
    /// The states that a crash at this instant can leave: all of them when there are few, else none, all, each alone, each missing, each prefix, torn
    /// writes, and then a random choice. The same calls and the same seed give the same states under the same numbers.
    /// </summary>
    public IEnumerable<DiskImage> CrashStates(int maxStates, int seed) => CrashSpace().Enumerate(maxStates, seed);

    /// <summary>The state after a crash that lost all that was not synced.</summary>
    public DiskImage NothingKept() => CrashSpace().NothingKept();

    /// <summary>The state after a crash that lost nothing: what reads see.</summary>
    public DiskImage EverythingKept() => CrashSpace().EverythingKept();

    private CrashSpace CrashSpace()
    {
        lock (_lock)
            return new CrashSpace(_names, _folders, _freeBytes);
    }

    private SimulatedInode Find(string path)
    {
        CheckFolder(NameTable.FolderOf(path));
        return _names.Current.TryGetValue(path, out var inode) ? inode : throw new FileNotFoundException($"Could not find file '{path}'.", path);
    }

    private void CheckFolder(string folder)
    {
        if (!_folders.Contains(folder))
            throw new DirectoryNotFoundException($"Could not find a part of the path '{folder}'.");
    }

    private void TakeSpace(long bytes)
    {
        if (_freeBytes <= 0 || bytes > _freeBytes)
            throw new IOException("Simulated disk is full.", Fault.Enospc);
        _freeBytes -= bytes;
    }
}
