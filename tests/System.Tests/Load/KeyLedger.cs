namespace EdgeCache.System.Tests.Load;

/// <summary>
/// What one key may have. It has one writer, which does one thing at a time, so its versions have an order; what was asked for and not acknowledged may have happened or not.
/// </summary>
internal sealed class KeyLedger(int number, string path)
{
    /// <summary>Stands for no blob.</summary>
    public const int Missing = 0;

    // Protects the fields below; nothing else is taken while it is held.
    private readonly Lock _lock = new();
    private readonly HashSet<int> _possible = [Missing];
    private int _attempted;
    private int _lastDeletion;

    public int Number { get; } = number;

    public string Path { get; } = path;

    /// <summary>A write or deletion is about to be sent.</summary>
    /// <returns>Its version.</returns>
    public int Begin(bool deletes)
    {
        lock (_lock)
        {
            var version = ++_attempted;
            _possible.Add(deletes ? Missing : version);
            if (deletes)
                _lastDeletion = version;
            return version;
        }
    }

    /// <summary>It was acknowledged: nothing from before may be seen by whoever asks from now on.</summary>
    public void Acknowledge(int version, bool deletes) => Settle(deletes ? Missing : version);

    /// <summary>After a start nothing is under way: what the key has now it keeps.</summary>
    public void Settle(int version)
    {
        lock (_lock)
        {
            _possible.Clear();
            _possible.Add(version);
        }
    }

    public KeyView Look()
    {
        lock (_lock)
            return new KeyView([.. _possible], _attempted);
    }

    /// <summary>Whether a read that began with this view may end with this version.</summary>
    public bool Allows(KeyView before, int version)
    {
        lock (_lock)
        {
            return before.Possible.Contains(version)
                || (version == Missing ? _lastDeletion > before.Attempted : version > before.Attempted && version <= _attempted);
        }
    }
}

/// <summary>What a key may have had at one moment.</summary>
/// <param name="Possible">The versions, or <see cref="KeyLedger.Missing"/>.</param>
/// <param name="Attempted">The latest version that anybody had asked for.</param>
internal sealed record KeyView(IReadOnlyList<int> Possible, int Attempted)
{
    public override string ToString() => $"{{{string.Join(", ", Possible)}}} of {Attempted}";
}
