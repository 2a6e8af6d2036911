namespace EdgeCache.Storage.Local.Tests.Simulation;

/// <summary>A change of names that happens whole or not at all: a creation has no old name, a removal no new one, a rename both.</summary>
/// <param name="Call">Number of the call.</param>
/// <param name="Kind">What the call was; the names below may have been taken over by later changes.</param>
/// <param name="Folder">The folder whose sync makes it durable: the new name's, or that of the name removed.</param>
/// <param name="From">The name that goes.</param>
/// <param name="To">The name that comes.</param>
/// <param name="Inode">The file that the new name gets or that the old one had.</param>
/// <param name="Abandoned">Whether a sync of the folder has failed since: no later sync makes it sure.</param>
internal sealed record NameChange(int Call, CallKind Kind, string Folder, string? From, string? To, SimulatedInode Inode, bool Abandoned = false)
{
    public void ApplyTo(Dictionary<string, SimulatedInode> names)
    {
        if (From is not null)
            names.Remove(From);
        if (To is not null)
            names[To] = Inode;
    }

    /// <summary>What is left of it when a later change of the same names has become durable.</summary>
    public NameChange Under(NameChange later) => this with { From = Unless(From, later), To = Unless(To, later) };

    private static string? Unless(string? name, NameChange later) => name == later.From || name == later.To ? null : name;
}

/// <summary>Which names there are: as reads see them, as a crash is sure to leave them, and the changes between the two. Locked by its disk.</summary>
internal sealed class NameTable
{
    private readonly Dictionary<string, SimulatedInode> _current = [];
    private readonly Dictionary<string, SimulatedInode> _durable = [];
    private List<NameChange> _pending = [];

    public IReadOnlyDictionary<string, SimulatedInode> Current => _current;

    public IReadOnlyDictionary<string, SimulatedInode> Durable => _durable;

    public IReadOnlyList<NameChange> Pending => _pending;

    public void AddDurable(string path, SimulatedInode inode) => _current[path] = _durable[path] = inode;

    public void Create(int call, string path, SimulatedInode inode) =>
        Add(new NameChange(call, CallKind.Create, FolderOf(path), From: null, path, inode));

    public void Rename(int call, string from, string to) =>
        Add(new NameChange(call, CallKind.Rename, FolderOf(to), from, to, _current[from]));

    public void Delete(int call, string path) =>
        Add(new NameChange(call, CallKind.Delete, FolderOf(path), path, To: null, _current[path]));

    /// <summary>Makes the folder's changes durable, and with a rename what brought the file to its old name: a file that was moved has one name.</summary>
    public void Sync(string folder)
    {
        var settled = new HashSet<NameChange>(ReferenceEqualityComparer.Instance);
        for (var i = _pending.Count - 1; i >= 0; i--)
        {
            var change = _pending[i];
            if ((change.Folder == folder && !change.Abandoned) || settled.Any(s => s.Kind == CallKind.Rename && s.Inode == change.Inode))
                settled.Add(change);
        }
        var unsure = new List<NameChange>();
        foreach (var change in _pending)
        {
            if (!settled.Contains(change))
            {
                unsure.Add(change);
                continue;
            }
            change.ApplyTo(_durable);
            unsure = unsure.ConvertAll(earlier => earlier.Under(change));
        }
        _pending = unsure.FindAll(change => change.From is not null || change.To is not null);
    }

    /// <summary>A sync of the folder failed: nothing is known of its changes, whatever later syncs say.</summary>
    public void FailSync(string folder) =>
        _pending = _pending.ConvertAll(change => change.Folder == folder ? change with { Abandoned = true } : change);

    public static string FolderOf(string path) => Path.GetDirectoryName(path)!;

    private void Add(NameChange change)
    {
        change.ApplyTo(_current);
        _pending.Add(change);
    }
}
