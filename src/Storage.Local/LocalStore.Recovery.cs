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
            TryDelete(file);
        var foreign = 0;
        var newer = 0;
        // Files under the wrong name come last, when it is known what has the right one: they are there only after the marker was lost, or files were copied.
        var misplaced = new List<string>();
        foreach (var path in _layout.FindBlobFiles())
            Count(path, misplaced);
        foreach (var path in misplaced)
            Count(path, null);
        _layout.SyncBlobFolders();
        if (foreign + newer > 0)
            LogLeftAlone(foreign, newer);

        void Count(string path, List<string>? later)
        {
            switch (TryAdopt(path, later))
            {
                case FileVerdict.Foreign: foreign++; break;
                case FileVerdict.Newer: newer++; break;
                case FileVerdict.Damaged: QuarantineFile(path); break;
            }
        }
        LogOpened(_layout.Root, _catalog.Count, _catalog.UsedBytes);
    }

    private FileVerdict TryAdopt(string path, List<string>? misplaced)
    {
        try
        {
            return Adopt(path, misplaced);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // One file that can't be read or moved must not keep all others from being served.
            LogLeftUnread(error, path);
            return FileVerdict.Foreign;
        }
    }

    /// <summary>Takes a file into the catalog, if it is a blob of ours; or notes it for later, if it has the name of another.</summary>
    private FileVerdict Adopt(string path, List<string>? misplaced)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var verdict = BlobHeaderReader.Read(file, out var info);
        if (verdict != FileVerdict.Good)
            return verdict;
        var metadata = info!.Metadata;
        var rightPath = PathOf(metadata.Key);
        if (rightPath != path)
        {
            if (misplaced is not null)
            {
                misplaced.Add(path);
                return FileVerdict.Good;
            }
            var current = _catalog.Find(metadata.Key);
            if (current is null && File.Exists(rightPath))
                return FileVerdict.Foreign;
            if (current is not null && current.Metadata.Generation >= metadata.Generation)
            {
                // Two files of one key: the newer one counts.
                File.Delete(path);
                return FileVerdict.Good;
            }
            File.Move(path, rightPath, overwrite: true);
        }
        var lastUse = new DateTimeOffset(File.GetLastWriteTimeUtc(rightPath)).ToUnixTimeMilliseconds();
        _catalog.Set(new CatalogEntry(metadata, info.HeaderLength, Posix.GetAllocatedBytes(file), lastUse));
        _generation = Math.Max(_generation, metadata.Generation);
        return FileVerdict.Good;
    }

    /// <summary>Takes a blob whose file can't be served out of the catalog, so that it is a miss and the next write heals it.</summary>
    private async ValueTask<Outcome<IBlobReader>> DropAsync(CatalogEntry entry, FileVerdict verdict)
    {
        var key = entry.Metadata.Key;
        if (!TryAddWriter())
            return StoreStatus.Unavailable;
        try
        {
            using var held = await _keyLocks.EnterAsync(key, CancellationToken.None).ConfigureAwait(false);
            if (_catalog.Find(key) == entry)
                Drop(entry, verdict);
            return StoreStatus.Missing;
        }
        finally
        {
            RemoveWriter();
        }
    }

    /// <summary>The key's entry, if its file is there and whole. To be called under the key's lock, before something depends on the file.</summary>
    private CatalogEntry? FindIntact(BlobKey key)
    {
        if (_catalog.Find(key) is not { } entry)
            return null;
        var verdict = FileVerdict.Foreign;
        try
        {
            using var file = File.OpenHandle(PathOf(key), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            verdict = BlobHeaderReader.Read(file, out var info);
            if (verdict == FileVerdict.Good && info!.Metadata.Key == key && info.Metadata.Generation == entry.Metadata.Generation)
                return entry;
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            // Removed by hand.
        }
        Drop(entry, verdict);
        return null;
    }

    private void Drop(CatalogEntry entry, FileVerdict verdict)
    {
        var key = entry.Metadata.Key;
        LogUnreadable(key, verdict);
        _catalog.Remove(entry);
        if (verdict == FileVerdict.Damaged)
            QuarantineFile(PathOf(key));
    }

    private void QuarantineFile(string path)
    {
        LogDamaged(path);
        try
        {
            File.Move(path, Path.Combine(_layout.Quarantine, Path.GetFileName(path)), overwrite: true);
            var oldest = new DirectoryInfo(_layout.Quarantine).EnumerateFiles().OrderByDescending(f => f.LastWriteTimeUtc).Skip(MaxQuarantined);
            foreach (var file in oldest.ToList())
                file.Delete();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            LogLeftUnread(error, path);
        }
    }

    private void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            LogLeftUnread(error, path);
        }
    }

    [LoggerMessage(LogLevel.Warning, "The file {Path} could not be read, moved or removed; it is left where it is")]
    private partial void LogLeftUnread(Exception error, string path);

    [LoggerMessage(LogLevel.Information, "Opened the store {Path}: {Blobs} blobs, {Used} bytes")]
    private partial void LogOpened(string path, int blobs, long used);

    [LoggerMessage(LogLevel.Warning, "Left files alone that are not blobs of this version: {Foreign} foreign, {Newer} of a newer version")]
    private partial void LogLeftAlone(int foreign, int newer);

    [LoggerMessage(LogLevel.Warning, "The file {Path} is cut or altered; it goes to quarantine")]
    private partial void LogDamaged(string path);
}
