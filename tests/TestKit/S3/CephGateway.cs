namespace EdgeCache.TestKit;

/// <summary>
/// A Ceph cluster of one monitor and one storage daemon that keeps everything in memory, with its S3 gateway: in a temporary folder, on loopback, without root, gone
/// with the tests. The settings make it small and quick to start, and have it read half a MiB before it sends the first byte instead of four, and four ahead instead of sixteen; nothing outside the folder is read or written.
/// </summary>
internal sealed class CephGateway : S3Server
{
    public const string Packages = "radosgw ceph-mon ceph-osd";

    private static readonly string[] Programs = ["ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "monmaptool", "osdmaptool"];
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly TestFolder _folder = new();
    private readonly int _monitorPort = LoopbackServer.FreePort();
    private readonly int _port = LoopbackServer.FreePort();
    private ChildDaemon? _monitor;
    private ChildDaemon? _storage;
    private ChildDaemon? _gateway;

    private CephGateway() => Endpoint = new Uri($"http://127.0.0.1:{_port}");

    public override Uri Endpoint { get; }

    public override string AccessKey => "testaccesskey";

    public override string SecretKey => "testsecretkey0123456789";

    public override string Region => "us-east-1";

    /// <summary>Whether the programs are there.</summary>
    public static bool IsInstalled => Programs.All(p => Tools.Find(p) is not null);

    private string Configuration => _folder.File("ceph.conf");

    private string Log => _folder.File("start.log");

    public static async Task<CephGateway> CreateAsync()
    {
        var server = new CephGateway();
        try
        {
            await server.BuildAsync();
            await server.StartAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public override async Task StartAsync()
    {
        _gateway = new ChildDaemon(Log, "radosgw", "-c", Configuration, "-n", "client.rgw.a", "-f");
        await WaitUntilAnsweringAsync(StartLimit, () => File.Exists(Log) ? File.ReadAllText(Log) : "");
    }

    public override async Task StopAsync()
    {
        if (_gateway is not null)
            await _gateway.StopAsync();
        _gateway = null;
    }

    public override async ValueTask DisposeAsync()
    {
        foreach (var daemon in (ChildDaemon?[])[_gateway, _storage, _monitor])
        {
            if (daemon is not null)
                await daemon.DisposeAsync();
        }
        _folder.Dispose();
    }

    private async Task BuildAsync()
    {
        var cluster = Guid.CreateVersion7().ToString();
        foreach (var folder in (string[])["mon", "osd", "rgw", "crash"])
            Directory.CreateDirectory(_folder.File(folder));
        await File.WriteAllTextAsync(_folder.File("keyring"), "");
        await File.WriteAllTextAsync(Configuration, Settings(cluster));

        await RunAsync("monmaptool", "--create", "--clobber", "--fsid", cluster, "--addv", "a", $"[v2:127.0.0.1:{_monitorPort}]", _folder.File("monmap"));
        await RunAsync("osdmaptool", "-c", Configuration, "--clobber", "--createsimple", "1", _folder.File("osdmap"));
        await RunAsync("ceph-mon", "-c", Configuration, "-i", "a", "--mkfs", "--fsid", cluster, "--monmap", _folder.File("monmap"), "--osdmap", _folder.File("osdmap"));
        _monitor = new ChildDaemon(Log, "ceph-mon", "-c", Configuration, "-i", "a", "-f");
        await RunAsync("ceph-osd", "-c", Configuration, "-i", "0", "--mkfs", "--osd-uuid", Guid.CreateVersion7().ToString(), "--no-mon-config");
        _storage = new ChildDaemon(Log, "ceph-osd", "-c", Configuration, "-i", "0", "-f");
        await RunAsync("radosgw-admin", "-c", Configuration, "-n", "client.admin", "user", "create", "--uid=test", "--display-name=test", $"--access-key={AccessKey}", $"--secret={SecretKey}");
    }

    private static async Task RunAsync(string program, params string[] arguments) => (await ToolRun.RunAsync(program, arguments)).Succeeded();

    private string Settings(string cluster) => $"""
        [global]
        fsid = {cluster}
        mon_host = [v2:127.0.0.1:{_monitorPort}]
        mon_initial_members = a
        public_addr = 127.0.0.1
        cluster_addr = 127.0.0.1
        ms_bind_ipv6 = false
        ms_bind_msgr1 = false
        ms_mon_client_mode = crc
        auth_cluster_required = none
        auth_service_required = none
        auth_client_required = none
        keyring = {_folder.File("keyring")}
        run_dir = {_folder.Path}
        admin_socket =
        pid_file =
        log_file = {_folder.Path}/$name.log
        mon_cluster_log_file = {_folder.File("cluster.log")}
        crash_dir = {_folder.File("crash")}
        debug_ms = 0/0
        debug_mon = 0/0
        debug_paxos = 0/0
        debug_osd = 0/0
        debug_rgw = 1/1
        mon_data = {_folder.File("mon")}
        mon_allow_pool_size_one = true
        mon_max_pg_per_osd = 1000
        mon_data_avail_warn = 2
        mon_data_avail_crit = 1
        paxos_propose_interval = 0.01
        paxos_min_wait = 0.005
        osd_data = {_folder.File("osd")}
        osd_objectstore = memstore
        memstore_device_bytes = 4294967296
        osd_pool_default_size = 1
        osd_pool_default_min_size = 1
        osd_pool_default_pg_num = 4
        osd_pool_default_pgp_num = 4
        osd_pool_default_pg_autoscale_mode = off
        osd_crush_chooseleaf_type = 0
        osd_crush_update_on_start = false
        osd_class_update_on_start = false
        osd_max_scrubs = 0
        osd_client_watch_timeout = 10
        rgw_data = {_folder.File("rgw")}
        rgw_frontends = beast endpoint=127.0.0.1:{_port} tcp_nodelay=1
        rgw_thread_pool_size = 64
        rgw_get_obj_max_req_size = 524288
        rgw_get_obj_window_size = 4194304
        rgw_run_sync_thread = false
        rgw_enable_usage_log = false
        rgw_enable_ops_log = false
        rgw_enable_quota_threads = false
        rgw_override_bucket_index_max_shards = 1
        rgw_dynamic_resharding = false
        rgw_num_control_oids = 1
        rgw_gc_max_objs = 1
        rgw_lc_max_objs = 1

        """;
}
