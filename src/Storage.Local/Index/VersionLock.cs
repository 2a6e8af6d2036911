namespace EdgeCache.Storage.Local.Index;

/// <summary>
/// A lock for writers, and a version by which readers see, without the lock, whether what they read was changed meanwhile (a sequence lock).
/// </summary>
/// <remarks>
/// Why a read that ends with <see cref="IsUnchanged"/> saw one state: a writer makes the version odd, then changes, then makes it even; the write barriers
/// keep those three in order. The reader takes the version, then reads, then looks at the version again; <see cref="Volatile.Read(ref readonly ulong)"/> and the
/// read barrier keep those in order. If it read anything of a change, it looks at the version after that change made it odd, so it is not what it was. The
/// version never comes back: 64 bits do not wrap. What is read so may be nonsense until it is confirmed, so it must hold no references to follow but to
/// objects that are whole whenever they can be seen, every index must be checked, and every loop bounded.
/// </remarks>
internal sealed class VersionLock
{
    private readonly Lock _lock = new();
    private ulong _version;

    /// <summary>Begins a read without the lock; false while somebody writes.</summary>
    public bool TryBeginRead(out ulong version)
    {
        version = Volatile.Read(ref _version);
        return (version & 1) == 0;
    }

    /// <summary>Whether everything read since <see cref="TryBeginRead"/> is of one state.</summary>
    public bool IsUnchanged(ulong version)
    {
        Volatile.ReadBarrier();
        return Volatile.Read(ref _version) == version;
    }

    /// <summary>Keeps writers out, and leaves other readers alone.</summary>
    public Lock.Scope EnterRead() => _lock.EnterScope();

    /// <summary>Keeps everybody out.</summary>
    public WriteScope EnterWrite()
    {
        _lock.Enter();
        _version++;
        Volatile.WriteBarrier();
        return new WriteScope(this);
    }

    private void ExitWrite()
    {
        Volatile.WriteBarrier();
        _version++;
        _lock.Exit();
    }

    /// <summary>Ends the change, also when it failed: the version must be even again.</summary>
    public readonly ref struct WriteScope(VersionLock owner) : IDisposable
    {
        public void Dispose() => owner.ExitWrite();
    }
}
