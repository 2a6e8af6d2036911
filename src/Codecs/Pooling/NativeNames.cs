using System.Reflection;
using System.Runtime.InteropServices;

namespace EdgeCache.Codecs.Pooling;

/// <summary>Finds native libraries by the names that they have on the systems we know. A library that is not there is no error.</summary>
internal static class NativeNames
{
    private static readonly Lazy<bool> Registered = new(static () =>
    {
        NativeLibrary.SetDllImportResolver(typeof(NativeNames).Assembly, Resolve);
        return true;
    });

    /// <summary>Whether one of the names can be loaded.</summary>
    public static bool CanLoad(IReadOnlyList<string> names) => Registered.Value && TryLoad(names, out _);

    private static bool TryLoad(IReadOnlyList<string> names, out nint handle)
    {
        foreach (var name in names)
        {
            if (NativeLibrary.TryLoad(name, typeof(NativeNames).Assembly, DllImportSearchPath.SafeDirectories | DllImportSearchPath.AssemblyDirectory, out handle))
                return true;
        }
        handle = 0;
        return false;
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath)
    {
        IReadOnlyList<string> names = name switch
        {
            Zstd.LibZstd.Library => Zstd.LibZstd.FileNames,
            Lz4.LibLz4.Library => Lz4.LibLz4.FileNames,
            _ => [],
        };
        return TryLoad(names, out var handle) ? handle : 0;
    }
}
