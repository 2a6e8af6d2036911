using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace EdgeCache.Codecs.Lz4;

/// <summary>What is used of liblz4 (lz4frame.h, the stable API of 1.8 and later). The only file that names the library.</summary>
internal static unsafe partial class LibLz4
{
    public const string Library = "liblz4";

    /// <summary>1.8.0.</summary>
    public const int OldestVersion = 10800;

    /// <summary>LZ4F_VERSION, for the functions that make contexts.</summary>
    public const uint ApiVersion = 100;

    public const int Block64KiB = 4;
    public const int Block4MiB = 7;

    /// <summary>As they are named on Linux, macOS and Windows.</summary>
    public static readonly IReadOnlyList<string> FileNames = ["liblz4.so.1", "liblz4.1.dylib", "liblz4.dll"];

    // Errors are the negated numbers of LZ4F_errorCodes.
    private const int AllocationFailed = 9;
    private const int DestinationTooSmall = 11;

    /// <summary>What a function's result means.</summary>
    public static CodecStatus StatusOf(nuint result) => IsError(result) == 0 ? CodecStatus.Ok : (int)-(nint)result switch
    {
        AllocationFailed => CodecStatus.OutOfMemory,
        DestinationTooSmall => CodecStatus.NeedsOutput,
        _ => CodecStatus.Corrupt,
    };

    [LibraryImport(Library, EntryPoint = "LZ4_versionNumber")]
    public static partial int VersionNumber();

    [LibraryImport(Library, EntryPoint = "LZ4F_isError")]
    private static partial uint IsError(nuint result);

    [LibraryImport(Library, EntryPoint = "LZ4F_createCompressionContext")]
    public static partial nuint CreateCompressor(out CompressorHandle context, uint version);

    [LibraryImport(Library, EntryPoint = "LZ4F_freeCompressionContext")]
    private static partial nuint FreeCompressor(nint context);

    [LibraryImport(Library, EntryPoint = "LZ4F_compressBound")]
    public static partial nuint CompressBound(nuint length, in Preferences preferences);

    [LibraryImport(Library, EntryPoint = "LZ4F_compressFrameBound")]
    public static partial nuint CompressFrameBound(nuint length, in Preferences preferences);

    [LibraryImport(Library, EntryPoint = "LZ4F_compressBegin")]
    public static partial nuint Begin(CompressorHandle context, byte* destination, nuint capacity, in Preferences preferences);

    [LibraryImport(Library, EntryPoint = "LZ4F_compressUpdate")]
    public static partial nuint Update(CompressorHandle context, byte* destination, nuint capacity, byte* source, nuint length, nint options);

    [LibraryImport(Library, EntryPoint = "LZ4F_flush")]
    public static partial nuint Flush(CompressorHandle context, byte* destination, nuint capacity, nint options);

    [LibraryImport(Library, EntryPoint = "LZ4F_compressEnd")]
    public static partial nuint End(CompressorHandle context, byte* destination, nuint capacity, nint options);

    [LibraryImport(Library, EntryPoint = "LZ4F_createDecompressionContext")]
    public static partial nuint CreateDecompressor(out DecompressorHandle context, uint version);

    [LibraryImport(Library, EntryPoint = "LZ4F_freeDecompressionContext")]
    private static partial nuint FreeDecompressor(nint context);

    [LibraryImport(Library, EntryPoint = "LZ4F_resetDecompressionContext")]
    public static partial void Reset(DecompressorHandle context);

    [LibraryImport(Library, EntryPoint = "LZ4F_decompress")]
    public static partial nuint Decompress(DecompressorHandle context, byte* destination, ref nuint produced, byte* source, ref nuint consumed, nint options);

    /// <summary>LZ4F_preferences_t with its LZ4F_frameInfo_t.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Preferences
    {
        public int BlockSize;
        public int IndependentBlocks;
        public int ContentChecksum;
        public int FrameType;
        public ulong ContentLength;
        public uint DictionaryId;
        public int BlockChecksum;
        public int Level;
        public uint AutoFlush;
        public uint FavourDecoder;
        public uint Reserved0;
        public uint Reserved1;
        public uint Reserved2;
    }

    public sealed class CompressorHandle() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
    {
        // Returns an error code of its own; there is nothing that can fail.
        protected override bool ReleaseHandle() => FreeCompressor(handle) == 0;
    }

    public sealed class DecompressorHandle() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
    {
        // Returns how far it had got, which is no error.
        protected override bool ReleaseHandle()
        {
            FreeDecompressor(handle);
            return true;
        }
    }
}
