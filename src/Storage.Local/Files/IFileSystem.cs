using Microsoft.Win32.SafeHandles;

namespace EdgeCache.Storage.Local.Files;

/// <summary>
/// The file system as a store uses it: every call that changes the folder goes through here, so that a test can remember what was synced and
/// what was not, drop or tear the rest, and fail any call. Paths are absolute.
/// </summary>
internal interface IFileSystem
{
    /// <summary>Makes a new file, readable by its owner alone. Its name is durable only after <see cref="SyncFolder"/>.</summary>
    /// <exception cref="IOException">The file is there already, or the disk refuses.</exception>
    IStoreFile Create(string path);

    /// <summary>Opens a file for reading, and for writing if asked to.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    IStoreFile Open(string path, bool writable);

    /// <summary>Gives a file another name, replacing what has it, in one step. Durable only after <see cref="SyncFolder"/> of the target's folder.</summary>
    void Rename(string from, string to);

    /// <summary>Removes a file; none is no error. Durable only after <see cref="SyncFolder"/>.</summary>
    void Delete(string path);

    /// <summary>Makes the entries of a folder durable: created, renamed and removed names.</summary>
    /// <exception cref="IOException">The sync failed: nothing is known of what has happened in the folder since the last good one.</exception>
    void SyncFolder(string path);

    bool Exists(string path);

    /// <summary>Names (without folder) of the regular files in a folder: no links, no pipes, no folders.</summary>
    IReadOnlyList<string> List(string folder);

    /// <summary>Bytes that the file system of the store has left for us.</summary>
    long FreeBytes { get; }
}

/// <summary>An open file. Reads and writes are at offsets, and may be concurrent where they do not overlap.</summary>
internal interface IStoreFile : IDisposable
{
    long Length { get; }

    /// <summary>Disk space that the file takes, in bytes.</summary>
    long AllocatedBytes { get; }

    /// <summary>Reads up to the buffer's length; less only at the end of the file.</summary>
    int Read(long offset, Span<byte> buffer);

    /// <summary>
    /// Reads what can be had without waiting for the disk: as much as <see cref="Read"/>, or less, or -1. Only <see cref="Read"/> knows where the file ends, and which
    /// error there is. A file that never waits has nothing to add.
    /// </summary>
    int TryReadNow(long offset, Span<byte> buffer) => Read(offset, buffer);

    /// <summary>The file itself, for whoever has the system send a part of it. Null when the system does not have all of the part in memory, or can't say.</summary>
    SafeFileHandle? TryGetCached(long offset, int length) => null;

    /// <summary>Writes all of it, extending the file. Durable only after <see cref="Sync"/>.</summary>
    void Write(long offset, ReadOnlySpan<byte> content);

    /// <summary>Writes the buffers one after the other, as one call where the system can.</summary>
    void Write(long offset, IReadOnlyList<ReadOnlyMemory<byte>> content);

    /// <summary>
    /// Has the system begin to bring a part to disk, so that the sync at the end has less left to do. A hint: promises nothing, never fails, and a file system may ignore it.
    /// </summary>
    void StartWriteback(long offset, long length)
    {
    }

    /// <summary>Makes content and length durable.</summary>
    /// <exception cref="IOException">The sync failed. What was written since the last good sync may be lost, also if a later sync succeeds.</exception>
    void Sync();
}
