using EdgeCache.TestKit;

namespace EdgeCache.Storage.Log.Tests;

public sealed class FolderPermissionTests : LogStoreTest
{
    private const UnixFileMode PrivateFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode PrivateFolder = PrivateFile | UnixFileMode.UserExecute;

    [Fact]
    public async Task Everything_is_readable_by_its_owner_alone()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("The system has no file modes.");
            return;
        }
        var root = Path.Combine(Root, "parent", "store");
        await using var store = await OpenAsync(Options with { Path = root });
        await store.PutAsync(Blobs.Key("small"), Blobs.Bytes(10));
        await store.PutAsync(Blobs.Key("large"), Blobs.Bytes(500_000));
        await using var writer = (await store.OpenWriteAsync(Blobs.Key("unfinished"), new PutOptions(), Cancel)).Value.ShouldNotBeNull();
        await writer.WriteAsync(Blobs.Bytes(500_000), Cancel);

        var files = Directory.GetFiles(root, "*", SearchOption.AllDirectories);
        files.Length.ShouldBe(5, "marker, lock, two blobs and one that is being written");
        foreach (var file in files)
            File.GetUnixFileMode(file).ShouldBe(PrivateFile, file);
        foreach (var folder in Directory.GetDirectories(root, "*", SearchOption.AllDirectories).Append(root))
            File.GetUnixFileMode(folder).ShouldBe(PrivateFolder, folder);
    }

    [Fact]
    public async Task A_path_that_is_a_file_is_refused_by_name()
    {
        var path = Path.Combine(Root, "file");
        await File.WriteAllTextAsync(path, "x", Cancel);
        var refused = await Should.ThrowAsync<StoreUnavailableException>(() => OpenAsync(Options with { Path = path }));
        refused.Message.ShouldStartWith($"The store folder '{path}' can't be opened: ");
        (await File.ReadAllTextAsync(path, Cancel)).ShouldBe("x");
    }

    [Fact]
    public async Task A_folder_that_can_not_be_written_is_refused_by_name()
    {
        Assert.SkipWhen(Environment.IsPrivilegedProcess, "Permissions do not hold back a privileged process.");
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("The system has no file modes.");
            return;
        }
        var path = Path.Combine(Root, "read-only");
        Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var refused = await Should.ThrowAsync<StoreUnavailableException>(() => OpenAsync(Options with { Path = path }));
        refused.Message.ShouldStartWith($"The store folder '{path}' can't be opened: ");
    }
}
