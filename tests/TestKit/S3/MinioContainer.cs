using System.Globalization;

namespace EdgeCache.TestKit;

/// <summary>MinIO in a container, where Docker runs and has the image.</summary>
internal sealed class MinioContainer : S3Server
{
    public const string Image = "minio/minio";

    private const int InnerPort = 9000;
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly string _name = $"edgecache-test-{Environment.ProcessId.ToString(CultureInfo.InvariantCulture)}-{Interlocked.Increment(ref _count)}";

    private static int _count;

    private MinioContainer(int port) => Endpoint = new Uri($"http://127.0.0.1:{port}");

    public override Uri Endpoint { get; }

    public override string AccessKey => "testaccesskey";

    public override string SecretKey => "testsecretkey0123456789";

    public override string Region => "us-east-1";

    /// <summary>Whether the engine answers and has the image already; nothing is downloaded.</summary>
    public static async Task<bool> IsAvailableAsync()
    {
        if (Tools.Find("docker") is null)
            return false;
        try
        {
            return (await ToolRun.RunAsync("docker", ["image", "inspect", Image], limit: TimeSpan.FromSeconds(10))).ExitCode == 0;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    public static async Task<MinioContainer> CreateAsync()
    {
        // The port must stay the same over a stop and a start, so Docker can't choose it.
        var port = LoopbackServer.FreePort();
        var server = new MinioContainer(port);
        try
        {
            (await ToolRun.RunAsync("docker", [
                "run", "--detach", "--name", server._name, "--publish", $"127.0.0.1:{port}:{InnerPort}",
                "--env", $"MINIO_ROOT_USER={server.AccessKey}", "--env", $"MINIO_ROOT_PASSWORD={server.SecretKey}", Image, "server", "/data"])).Succeeded();
            await server.WaitUntilAnsweringAsync(StartLimit, () => server._name);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public override async Task StopAsync() => (await ToolRun.RunAsync("docker", ["stop", "--time", "0", _name])).Succeeded();

    public override async Task StartAsync()
    {
        (await ToolRun.RunAsync("docker", ["start", _name])).Succeeded();
        await WaitUntilAnsweringAsync(StartLimit, () => _name);
    }

    public override async ValueTask DisposeAsync() => await ToolRun.RunAsync("docker", ["rm", "--force", "--volumes", _name]);
}
