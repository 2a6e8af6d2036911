namespace EdgeCache.Storage.Local.Tests.Simulation;

/// <summary>A change that a crash may keep or lose: a change of names (one part), or a write (a part a sector).</summary>
/// <param name="Call">Number of the call.</param>
/// <param name="Words">The call in words.</param>
/// <param name="Parts">In how many parts it reaches the disk.</param>
/// <param name="Grows">Whether it makes a file longer, so that the length alone can be kept.</param>
internal sealed record CrashUnit(int Call, string Words, int Parts, bool Grows)
{
    public NameChange? Name { get; init; }

    public SimulatedInode? Inode { get; init; }

    public PendingWrite? Write { get; init; }
}

/// <summary>What a crash keeps of one change.</summary>
/// <param name="Parts">For each part whether it is kept.</param>
/// <param name="Length">Whether the file gets the length that the whole write would give it.</param>
internal sealed record CrashChoice(bool[] Parts, bool Length)
{
    public bool IsLost => !Length && !Parts.Contains(true);

    public bool IsKept => !Parts.Contains(false);

    public static CrashChoice Lost(CrashUnit unit) => new(new bool[unit.Parts], Length: false);

    public static CrashChoice Kept(CrashUnit unit) => Torn(unit, _ => true);

    /// <summary>The file has its length, and zeros where the data was to be; as lost where there is no such thing.</summary>
    public static CrashChoice Zeros(CrashUnit unit) => new(new bool[unit.Parts], unit.Grows);

    public static CrashChoice Torn(CrashUnit unit, Func<int, bool> keep, bool length = false) =>
        new([.. Enumerable.Range(0, unit.Parts).Select(keep)], length && unit.Grows);
}

/// <summary>Everything that a crash at one instant can leave, frozen at that instant.</summary>
internal sealed class CrashSpace
{
    private readonly Dictionary<string, SimulatedInode> _names;
    private readonly List<string> _folders;
    private readonly long _freeBytes;
    private readonly Dictionary<SimulatedInode, byte[]> _durable;
    private readonly Dictionary<SimulatedInode, FileImage> _settled = [];
    private readonly List<CrashUnit> _units;

    public CrashSpace(NameTable names, IEnumerable<string> folders, long freeBytes)
    {
        _names = names.Durable.ToDictionary();
        _folders = [.. folders];
        _freeBytes = freeBytes;
        // A file that can have no name after the crash is of no interest.
        _durable = _names.Values.Concat(names.Pending.Where(c => c.To is not null).Select(c => c.Inode)).Distinct().ToDictionary(i => i, i => i.CopyDurable());
        _units =
        [
            .. names.Pending.Select(c => new CrashUnit(c.Call, $"#{c.Call} {c.Kind} {c.From}{(c.From is null || c.To is null ? "" : " to ")}{c.To}", 1, Grows: false) { Name = c })
                .Concat(_durable.Keys.SelectMany(inode => inode.Pending.Select(write => UnitOf(inode, write))))
                .OrderBy(unit => unit.Call),
        ];
        foreach (var (inode, content) in _durable)
        {
            if (inode.Pending.Count == 0)
                _settled[inode] = new FileImage(content);
        }
    }

    public DiskImage NothingKept() => Build(0, [.. _units.Select(CrashChoice.Lost)]);

    public DiskImage EverythingKept() => Build(0, [.. _units.Select(CrashChoice.Kept)]);

    public IEnumerable<DiskImage> Enumerate(int maxStates, int seed)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (choices, isSeeded) in CrashChooser.Choose(_units, maxStates, seed))
        {
            var image = Build(seen.Count, choices, isSeeded);
            if (seen.Add(image.Hash))
                yield return image;
            if (seen.Count == maxStates)
                yield break;
        }
    }

    private CrashUnit UnitOf(SimulatedInode inode, PendingWrite write)
    {
        var words = $"#{write.Call} Write {write.Path} {write.Offset}+{write.Length}{(write.Abandoned ? " (its sync failed)" : "")}";
        return new CrashUnit(write.Call, words, write.Fragments.Count, write.End > _durable[inode].Length) { Inode = inode, Write = write };
    }

    private DiskImage Build(int number, CrashChoice[] choices, bool isSeeded = false)
    {
        var names = new Dictionary<string, SimulatedInode>(_names);
        var contents = new Dictionary<SimulatedInode, ContentBuffer>();
        for (var i = 0; i < choices.Length; i++)
        {
            var (unit, choice) = (_units[i], choices[i]);
            if (choice.IsLost)
                continue;
            if (unit.Name is not null)
                unit.Name.ApplyTo(names);
            else
                Apply(unit, choice, contents);
        }
        var files = names.Select(name => KeyValuePair.Create(name.Key, FileOf(name.Value, contents)));
        return DiskImage.Of(number, Describe(choices), _folders, files, _freeBytes, isSeeded);
    }

    private void Apply(CrashUnit unit, CrashChoice choice, Dictionary<SimulatedInode, ContentBuffer> contents)
    {
        if (!contents.TryGetValue(unit.Inode!, out var content))
            contents[unit.Inode!] = content = ContentBuffer.Of(_durable[unit.Inode!]);
        if (choice.Length || choice.IsKept)
            content.Grow(unit.Write!.End);
        for (var part = 0; part < choice.Parts.Length; part++)
        {
            if (choice.Parts[part])
                unit.Write!.ApplyTo(content, unit.Write.Fragments[part]);
        }
    }

    private FileImage FileOf(SimulatedInode inode, Dictionary<SimulatedInode, ContentBuffer> contents)
    {
        if (_settled.TryGetValue(inode, out var settled))
            return settled;
        return new FileImage(contents.TryGetValue(inode, out var content) ? content.ToArray() : _durable[inode]);
    }

    private string Describe(CrashChoice[] choices)
    {
        var all = _units.Zip(choices).ToList();
        var lost = all.FindAll(c => c.Second.IsLost);
        var kept = all.FindAll(c => c.Second.IsKept && !c.Second.IsLost);
        var torn = all.FindAll(c => !c.Second.IsLost && !c.Second.IsKept);
        var words = new List<string> { $"{kept.Count} kept, {lost.Count} lost, {torn.Count} torn of what was not synced" };
        var fewer = kept.Count < lost.Count ? kept : lost;
        words.AddRange(fewer.Select(c => $"{(ReferenceEquals(fewer, kept) ? "kept" : "lost")} {c.First.Words}"));
        words.AddRange(torn.Select(c => $"torn {c.First.Words}: {TornWords(c.Second)}"));
        return string.Join("; ", words);
    }

    private static string TornWords(CrashChoice choice)
    {
        var kept = Enumerable.Range(0, choice.Parts.Length).Where(i => choice.Parts[i]).ToList();
        var sectors = kept.Count == 0 ? "no sector" : $"sectors {string.Join(",", kept.Take(16))}{(kept.Count > 16 ? ",…" : "")}";
        return $"{sectors} of {choice.Parts.Length}{(choice.Length ? ", whole length" : "")}";
    }
}
