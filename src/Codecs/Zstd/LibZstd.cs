using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace EdgeCache.Codecs.Zstd;

/// <summary>What is used of libzstd (zstd.h, the stable API of 1.4 and later). The only file that names the library.</summary>
internal static unsafe partial class LibZstd
{
    public const string Library = "libzstd";

    /// <summary>The first version whose advanced API is stable: 1.4.0.</summary>
    public const uint OldestVersion = 10400;

    public const int CompressionLevel = 100;
    public const int ContentSizeFlag = 200;
    public const int ChecksumFlag = 201;
    public const int WindowLogMax = 100;
    public const int ResetSession = 1;
    public const int ResetAll = 3;

    /// <summary>As they are named on Linux, macOS and Windows.</summary>
    public static readonly IReadOnlyList<string> FileNames = ["libzstd.so.1", "libzstd.1.dylib", "libzstd.dll"];

    private const int WindowTooLarge = 16;
    private const int DictionaryWrong = 32;
    private const int MemoryAllocation = 64;
    private const int DestinationTooSmall = 70;

    /// <summary>What a function's result means.</summary>
    public static CodecStatus StatusOf(nuint result) => IsError(result) == 0 ? CodecStatus.Ok : GetErrorCode(result) switch
    {
        WindowTooLarge => CodecStatus.WindowTooLarge,
        DictionaryWrong => CodecStatus.DictionaryNeeded,
        MemoryAllocation => CodecStatus.OutOfMemory,
        DestinationTooSmall => CodecStatus.NeedsOutput,
        _ => CodecStatus.Corrupt,
    };

    [LibraryImport(Library, EntryPoint = "ZSTD_versionNumber")]
    public static partial uint VersionNumber();

    [LibraryImport(Library, EntryPoint = "ZSTD_isError")]
    private static partial uint IsError(nuint result);

    [LibraryImport(Library, EntryPoint = "ZSTD_getErrorCode")]
    private static partial int GetErrorCode(nuint result);

    [LibraryImport(Library, EntryPoint = "ZSTD_createCCtx")]
    public static partial CompressorHandle CreateCompressor();

    [LibraryImport(Library, EntryPoint = "ZSTD_freeCCtx")]
    private static partial nuint FreeCompressor(nint context);

    [LibraryImport(Library, EntryPoint = "ZSTD_sizeof_CCtx")]
    public static partial nuint SizeOf(CompressorHandle context);

    [LibraryImport(Library, EntryPoint = "ZSTD_CCtx_setParameter")]
    public static partial nuint SetParameter(CompressorHandle context, int parameter, int value);

    [LibraryImport(Library, EntryPoint = "ZSTD_CCtx_reset")]
    public static partial nuint Reset(CompressorHandle context, int directive);

    [LibraryImport(Library, EntryPoint = "ZSTD_CCtx_setPledgedSrcSize")]
    public static partial nuint SetContentLength(CompressorHandle context, ulong length);

    [LibraryImport(Library, EntryPoint = "ZSTD_compress2")]
    public static partial nuint Compress(CompressorHandle context, byte* destination, nuint capacity, byte* source, nuint length);

    [LibraryImport(Library, EntryPoint = "ZSTD_compressStream2")]
    public static partial nuint CompressStream(CompressorHandle context, ref Buffer output, ref Buffer input, int mode);

    [LibraryImport(Library, EntryPoint = "ZSTD_createDCtx")]
    public static partial DecompressorHandle CreateDecompressor();

    [LibraryImport(Library, EntryPoint = "ZSTD_freeDCtx")]
    private static partial nuint FreeDecompressor(nint context);

    [LibraryImport(Library, EntryPoint = "ZSTD_sizeof_DCtx")]
    public static partial nuint SizeOf(DecompressorHandle context);

    [LibraryImport(Library, EntryPoint = "ZSTD_DCtx_setParameter")]
    public static partial nuint SetParameter(DecompressorHandle context, int parameter, int value);

    [LibraryImport(Library, EntryPoint = "ZSTD_DCtx_reset")]
    public static partial nuint Reset(DecompressorHandle context, int directive);

    [LibraryImport(Library, EntryPoint = "ZSTD_decompressDCtx")]
    public static partial nuint Decompress(DecompressorHandle context, byte* destination, nuint capacity, byte* source, nuint length);

    [LibraryImport(Library, EntryPoint = "ZSTD_decompressStream")]
    public static partial nuint DecompressStream(DecompressorHandle context, ref Buffer output, ref Buffer input);

    /// <summary>ZSTD_inBuffer and ZSTD_outBuffer, which look alike.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Buffer
    {
        public byte* Start;
        public nuint Length;
        public nuint Position;
    }

    public sealed class CompressorHandle() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
    {
        protected override bool ReleaseHandle() => FreeCompressor(handle) == 0;
    }

    public sealed class DecompressorHandle() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
    {
        protected override bool ReleaseHandle() => FreeDecompressor(handle) == 0;
    }
}
