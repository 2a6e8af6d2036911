using EdgeCache.Storage.Local.Disk;
using EdgeCache.Storage.Local.Format;
using Microsoft.Extensions.Logging;

namespace EdgeCache.Storage.Local;

/// <content>What happens when a folder is opened.</content>
public sealed partial class LocalStore
{
    /// <summary>Damaged files that are kept for a look; older ones are removed.</summary>
    private const int MaxQuarantined = 64;

    private void Recover()
    {
        foreach (var file in _layout.FindTemporaryFiles())
            File.Delete(file);
        var foreign = 0;
        var newer = 0;
        foreach (var path in _layout.FindBlobFiles().ToList())
        {
            switch (Adopt(path))
            {
                case FileVerdict.Foreign: foreign++; break;
                case FileVerdict.Newer: newer++; break;
                case FileVerdict.Damaged: QuarantineFile(path); break;
            }
        }
        if (foreign + newer > 0)
            LogLeftAlone(foreign, newer);
        LogOpened(_layout.Root, _catalog.Count, _catalog.UsedBytes);
    }

    /// <summary>Takes a file into the catalog, if it is a blob of ours.</summary>
    private FileVerdict Adopt(string path)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var verdict = BlobHeaderReader.Read(file, out var info);
        if (verdict != FileVerdict.Good)
            return verdict;
        var metadata = info!.Metadata;
        var current = _catalog.Find(metadata.Key);
        if (current is not null && current.Metadata.Generation >= metadata.Generation)
        {
            // Two files of one key: only after the marker was lost, and with it the names. The newer one counts.
            File.Delete(path);
            return FileVerdict.Good;
        }
        var rightPath = PathOf(metadata.Key);
        if (rightPath != path)
            File.Move(path, rightPath, overwrite: true);
        var lastUse = new DateTimeOffset(File.GetLastWriteTimeUtc(rightPath)).ToUnixTimeMilliseconds();
        _catalog.Set(new CatalogEntry(metadata, info.HeaderLength, Posix.GetAllocatedBytes(file), lastUse));
        _generation = Math.Max(_generation, metadata.Generation);
        return FileVerdict.Good;
    }

    /// <summary>Takes a blob whose file can't be served out of the catalog, so that it is a miss and the next write heals it.</summary>
    private async ValueTask<Outcome<IBlobReader>> DropAsync(CatalogEntry entry, FileVerdict verdict)
    {
        var key = entry.Metadata.Key;
        using var held = await _keyLocks.EnterAsync(key, CancellationToken.None).ConfigureAwait(false);
        if (_catalog.Find(key) == entry)
        {
            LogUnreadable(key, verdict);
            _catalog.Remove(entry);
            if (verdict == FileVerdict.Damaged && File.Exists(PathOf(key)))
                QuarantineFile(PathOf(key));
        }
        return StoreStatus.Missing;
    }

    private void QuarantineFile(string path)
    {
        LogDamaged(path);
        File.Move(path, Path.Combine(_layout.Quarantine, Path.GetFileName(path)), overwrite: true);
        var oldest = new DirectoryInfo(_layout.Quarantine).EnumerateFiles().OrderByDescending(f => f.LastWriteTimeUtc).Skip(MaxQuarantined);
        foreach (var file in oldest.ToList())
            file.Delete();
    }

    [LoggerMessage(LogLevel.Information, "Opened the store {Path}: {Blobs} blobs, {Used} bytes")]
    private partial void LogOpened(string path, int blobs, long used);

    [LoggerMessage(LogLevel.Warning, "Left files alone that are not blobs of this version: {Foreign} foreign, {Newer} of a newer version")]
    private partial void LogLeftAlone(int foreign, int newer);

    [LoggerMessage(LogLevel.Warning, "The file {Path} is cut or altered; moved to quarantine")]
    private partial void LogDamaged(string path);
}
