using System.Net;
using EdgeCache.TestKit;

namespace EdgeCache.System.Tests;

/// <summary>The system calls of the real process, as strace sees them: what is acknowledged was synced before the answer went out.</summary>
public sealed class SyncOrderTests
{
    private const string Calls = "trace=write,writev,pwrite64,pwritev,pwritev2,fsync,fdatasync,rename,renameat,renameat2,sendmsg,sendto";
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_small_blob_is_in_its_segment_and_that_synced_before_the_answer()
    {
        var calls = await TraceAsync(node => PutAsync(node, 4000));
        var answer = Answer(calls, "201");
        var write = Last(calls, c => c.IsWrite && IsSegment(c), answer.Began);
        ShouldBeSyncedBefore(calls, write, IsSegment, answer);
    }

    [Fact]
    public async Task A_large_blob_is_in_its_file_under_its_name_and_in_the_log_before_the_answer()
    {
        var calls = await TraceAsync(node => PutAsync(node, 300_000));
        var answer = Answer(calls, "201");
        var content = Last(calls, c => c.IsWrite && IsTemporary(c), answer.Began);
        var rename = Last(calls, c => c.Name.StartsWith("rename", StringComparison.Ordinal) && IsTemporary(c) && c.Text.Contains("/blobs/"), answer.Began);
        ShouldBeSyncedBefore(calls, content, IsTemporary, rename);
        var record = Last(calls, c => c.IsWrite && IsSegment(c), answer.Began);
        record.Began.ShouldBeGreaterThan(rename.Ended);
        ShouldBeSyncedBefore(calls, rename, c => c.Text.Contains("/blobs/"), record);
        ShouldBeSyncedBefore(calls, record, IsSegment, answer);
    }

    [Fact]
    public async Task A_deletion_is_marked_and_that_synced_before_the_answer()
    {
        var calls = await TraceAsync(async node =>
        {
            await PutAsync(node, 4000);
            (await node.Client.DeleteAsync("/artifacts/k")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        });
        var (put, answer) = (Answer(calls, "201"), Answer(calls, "204"));
        // One byte, and nothing else in this time goes to a segment.
        var mark = Last(calls, c => c.IsWrite && IsSegment(c), answer.Began);
        mark.Began.ShouldBeGreaterThan(put.Began);
        mark.Result.ShouldBe("1");
        ShouldBeSyncedBefore(calls, mark, IsSegment, answer);
    }

    private static async Task<List<SystemCall>> TraceAsync(Func<NodeProcess, Task> work)
    {
        var strace = Tools.Require("strace", "strace");
        using var folder = new TestFolder();
        var probe = await ToolRun.RunAsync(strace, ["-f", "-o", folder.File("probe"), "true"]);
        if (probe.ExitCode != 0)
            Assert.Skip($"Tracing is not permitted here: {probe.Error.Trim()}");
        var log = folder.File("calls");
        // As a detached grandchild (-D), so that the process is the node and not strace.
        await using var node = await NodeProcess.StartAsync(new NodeSetup { Wrapper = [strace, "-D", "-f", "-y", "-s", "24", "-e", Calls, "-o", log] });
        await work(node);
        node.Terminate();
        await node.WaitForExitAsync();
        await Eventually.TrueAsync(() => File.ReadLines(log).Any(l => l.Contains($"{node.Id} ", StringComparison.Ordinal) && l.Contains("+++ exited", StringComparison.Ordinal)), Soon, "the end of the trace");
        return SystemCalls.Parse(File.ReadLines(log));
    }

    private static async Task PutAsync(NodeProcess node, int length)
    {
        using var content = new ByteArrayContent(Blobs.Bytes(length));
        (await node.Client.PutAsync("/artifacts/k", content)).StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    private static bool IsSegment(SystemCall call) => call.Text.Contains("/segments/", StringComparison.Ordinal) && call.Text.Contains(".seg>", StringComparison.Ordinal);

    private static bool IsTemporary(SystemCall call) => call.Text.Contains("/tmp/", StringComparison.Ordinal) && call.Text.Contains(".part", StringComparison.Ordinal);

    /// <summary>The call that sends the answer with this status.</summary>
    private static SystemCall Answer(List<SystemCall> calls, string status) =>
        calls.Where(c => c.Name is "sendmsg" or "sendto" or "write" or "writev" && c.Text.Contains($"HTTP/1.1 {status}", StringComparison.Ordinal)).ShouldHaveSingleItem();

    private static SystemCall Last(List<SystemCall> calls, Func<SystemCall, bool> which, int before) =>
        calls.LastOrDefault(c => c.Ended < before && which(c)) ?? throw new InvalidOperationException($"No such call before {before}:\n{string.Join('\n', calls)}");

    private static void ShouldBeSyncedBefore(List<SystemCall> calls, SystemCall change, Func<SystemCall, bool> place, SystemCall before) =>
        calls.ShouldContain(
            c => c.IsSync && place(c) && c.Began > change.Ended && c.Ended < before.Began && c.Result == "0", $"{change}\nis not synced before\n{before}\namong\n{string.Join('\n', calls)}");
}
