using EdgeCache.Edge.Configuration;

namespace EdgeCache.Edge.Access;

/// <summary>The file of the list: where it is, and how it is read and written. It has digests in it and no token, and is its owner's alone all the same.</summary>
internal static class TokenListFile
{
    public const string DefaultName = "tokens.json";

    /// <summary>Largest file that is read, in bytes.</summary>
    public const int MaxLength = 8 << 20;

    private const UnixFileMode OwnersAlone = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OthersWrite = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;

    /// <summary>Where a node's list is: where the settings say, or else in the store's folder.</summary>
    public static string PathOf(EdgeCacheOptions options) => options.Access.TokenList ?? Path.Combine(options.Storage.Path!, DefaultName);

    /// <summary>Whether a node with these options asks for tokens of a list. A list that is named and not there yet has no tokens: nobody may do anything until one is made.</summary>
    public static bool IsExpected(EdgeCacheOptions options) => options.Access.TokenList is not null || (options.Storage.Path is not null && File.Exists(PathOf(options)));

    /// <summary>Reads the list; or says why it can't be used, in a sentence that begins with the path.</summary>
    public static TokenList? TryRead(EdgeCacheOptions options, out string? fault)
    {
        var path = PathOf(options);
        fault = null;
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > MaxLength } large)
            {
                fault = $"{path} has {large.Length} bytes; a list of tokens has at most {MaxLength}.";
                return null;
            }
            var list = TokenList.TryParse(File.ReadAllBytes(path), out var reason);
            fault = reason is null ? null : $"{path} {reason}";
            return list;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return options.Access.TokenList is null ? TokenList.Absent : TokenList.Empty;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            fault = $"{path} can't be read: {e.Message}";
            return null;
        }
    }

    /// <summary>Whether others than the owner may change the file, and so make tokens.</summary>
    public static bool IsWritableByOthers(string path) => !OperatingSystem.IsWindows() && File.Exists(path) && (File.GetUnixFileMode(path) & OthersWrite) != UnixFileMode.None;

    /// <summary>Changes the list: reads it, and puts a whole new file in its place. Two that do so at once wait for nobody: the second is told to try again.</summary>
    /// <exception cref="IOException">It can't be read or written, or somebody else is changing it; the message says which.</exception>
    public static async Task ChangeAsync(EdgeCacheOptions options, Func<TokenList, TokenList> change, CancellationToken cancellationToken)
    {
        var path = PathOf(options);
        MakeFolder(options, Path.GetDirectoryName(path)!);
        await using var turn = TakeTurn(path);
        var list = TryRead(options, out var fault) ?? throw new IOException(fault);
        var content = change(list).ToBytes();
        if (content.Length > MaxLength)
            throw new IOException($"{path} would have {content.Length} bytes; a list of tokens has at most {MaxLength}.");

        // Whoever reads sees the old list or the new one; so does a machine that lost power.
        var next = path + ".new";
        File.Delete(next);
        await using (var file = Open(next, FileMode.CreateNew))
        {
            await file.WriteAsync(content, cancellationToken);
            file.Flush(flushToDisk: true);
        }
        File.Move(next, path, overwrite: true);
    }

    /// <summary>The store makes its folder for its owner alone, and so does who comes before it.</summary>
    private static void MakeFolder(EdgeCacheOptions options, string folder)
    {
        if (Directory.Exists(folder))
            return;
        if (options.Access.TokenList is not null)
            throw new IOException($"There is no folder {folder}.");
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(folder);
        else
            Directory.CreateDirectory(folder, OwnersAlone | UnixFileMode.UserExecute);
    }

    private static FileStream TakeTurn(string path)
    {
        try
        {
            return Open(path + ".lock", FileMode.OpenOrCreate);
        }
        catch (IOException e) when (File.Exists(path + ".lock"))
        {
            throw new IOException($"Somebody else is changing {path}. Try again.", e);
        }
    }

    private static FileStream Open(string path, FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.Write, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnersAlone;
        return new FileStream(path, options);
    }
}
