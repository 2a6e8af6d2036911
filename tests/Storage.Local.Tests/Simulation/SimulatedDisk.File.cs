using EdgeCache.Storage.Local.Files;

namespace EdgeCache.Storage.Local.Tests.Simulation;

internal sealed partial class SimulatedDisk
{
    /// <summary>An open file. It stays the same file under a new name or none.</summary>
    private sealed class SimulatedFile(SimulatedDisk disk, SimulatedInode inode, string path, bool writable) : IStoreFile
    {
        private bool _disposed;

        public long Length
        {
            get
            {
                lock (disk._lock)
                {
                    Check();
                    return inode.Current.Length;
                }
            }
        }

        public long AllocatedBytes
        {
            get
            {
                lock (disk._lock)
                {
                    Check();
                    return inode.AllocatedBytes;
                }
            }
        }

        public int Read(long offset, Span<byte> buffer)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(offset);
            lock (disk._lock)
            {
                Check();
                disk.Note(CallKind.Read, path, $"{offset}+{buffer.Length}");
                return inode.Current.Read(offset, buffer);
            }
        }

        public void Write(long offset, ReadOnlySpan<byte> content) => Write(offset, content.ToArray());

        public void Write(long offset, IReadOnlyList<ReadOnlyMemory<byte>> content)
        {
            var all = new byte[content.Sum(part => part.Length)];
            var length = 0;
            foreach (var part in content)
            {
                part.CopyTo(all.AsMemory(length));
                length += part.Length;
            }
            Write(offset, all);
        }

        public void Sync()
        {
            CheckWritable();
            disk.Change(CallKind.Sync, path, "", _ => inode.Sync(), onFailure: _ => inode.FailSync());
        }

        // Closing works on a machine that has stopped too: it must not hide the error that led to it.
        public void Dispose() => _disposed = true;

        private void Write(long offset, byte[] content)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(offset);
            CheckWritable();
            disk.Change(
                CallKind.Write,
                path,
                $"{offset}+{content.Length}",
                call => Append(call, offset, content),
                onFailure: fault =>
                {
                    if (fault.Kind == FaultKind.ShortWrite)
                        Append(disk._calls, offset, content[..(content.Length / 2)]);
                });
        }

        private void Append(int call, long offset, byte[] content)
        {
            if (inode.SpaceFor(offset, content.Length) is > 0 and var space)
                disk.TakeSpace(space);
            inode.Write(call, path, offset, content);
        }

        private void Check()
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            disk.ThrowIfCrashed();
        }

        private void CheckWritable()
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (!writable)
                throw new UnauthorizedAccessException($"'{path}' is open for reading only.");
        }
    }
}
