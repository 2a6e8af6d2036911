using System.Collections.Concurrent;

namespace EdgeCache.Storage.Local;

/// <content>How the file of a large blob comes to be.</content>
public sealed partial class LocalStore
{
    /// <summary>Files that are named, or about to be, and not in the index yet: who looks for files that nobody knows leaves them alone.</summary>
    private readonly ConcurrentDictionary<string, byte> _naming = new(StringComparer.Ordinal);

    /// <summary>
    /// A large blob's file on its way: written, synced and named before the key's lock is taken, because other keys share that lock and a sync of many bytes takes long. The
    /// generation is in the file and in its name, and the later publication must have the larger one. So it is given out after a look at the key's stamp; when the
    /// stamp is another under the lock, somebody may have been given a larger generation and published it: then the file gets a new one, which costs one more short sync.
    /// </summary>
    private sealed class NamedFile(LocalStore store, LocalBlobWriter writer, BlobMetadata metadata) : IDisposable
    {
        private readonly KeyHash _hash = store.HashOf(metadata.Key);
        private readonly List<string> _names = [];
        private string? _path;
        private long _stamp;
        private bool _isKept;

        public long Generation { get; private set; }

        /// <summary>Disk space that it takes, in bytes.</summary>
        public long AllocatedBytes { get; private set; }

        /// <summary>Whether something has happened to the key since the generation was given out. To be asked under the key's lock.</summary>
        public bool IsOvertaken => _stamp != store._generations.Get(metadata.Key);

        /// <summary>Completes the file with a new generation, syncs it and gives it its name.</summary>
        public async Task BringToDiskAsync()
        {
            _stamp = store._generations.Get(metadata.Key);
            Generation = store.NextGeneration();
            var path = store._layout.BlobPath(_hash, Generation);
            _names.Add(path);
            store._naming[path] = 0;
            await store._fileDisk.RunAsync(() => BringToDisk(path)).ConfigureAwait(false);
        }

        /// <summary>A record stands for it.</summary>
        public void Keep() => _isKept = true;

        public void Dispose()
        {
            try
            {
                if (!_isKept && _path is not null)
                    store._files.Delete(_path);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // The next start removes it; the writer's own outcome must not be masked by this.
                store.LogWriteFault(error);
            }
            foreach (var name in _names)
                store._naming.TryRemove(name, out _);
        }

        private bool BringToDisk(string path)
        {
            var (temporary, allocated) = writer.FinishFile(metadata with { Generation = Generation });
            AllocatedBytes = allocated;
            Rename(_path ?? temporary, path);
            _path = path;
            writer.Published();
            store._files.SyncFolder(Path.GetDirectoryName(path)!);
            return true;
        }

        private void Rename(string from, string to)
        {
            try
            {
                store._files.Rename(from, to);
            }
            catch (DirectoryNotFoundException)
            {
                // Removed by hand.
                store._layout.Create();
                store._files.Rename(from, to);
            }
        }
    }

    /// <summary>Puts files aside that have a key's name and that no record stands for: what the record said of its file can't be read any more.</summary>
    private void QuarantineStrayFiles(KeyHash hash)
    {
        try
        {
            foreach (var (path, generation) in _layout.FindFilesOf(hash, _files))
            {
                // In this order: a file that is not being named has been published before, and is in the index, or never will be.
                if (!_naming.ContainsKey(path) && !IsKnown(hash, generation))
                    TryQuarantine(path);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            LogLeftUnread(error, _layout.Root);
        }
    }
}
