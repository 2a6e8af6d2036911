using System.Globalization;
using Amazon.S3.Model;
using EdgeCache.Storage.Tiering;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.S3.Tests.Tiering;

/// <summary>
/// Every way in which a far store's answer can be wrong, for a blob that is not here: what a client gets, and what is stored. The rows are those of <c>docs/reliability.md</c>:
/// a row that comes out otherwise fails. Set EDGECACHE_FAULT_REPORT to a file's path to have them written there.
/// </summary>
public sealed class FaultTableTests(S3Fixture fixture) : S3StoreTest(fixture)
{
    private const string ReportVariable = "EDGECACHE_FAULT_REPORT";
    private const int Length = 1 << 20;
    private const int LargeLength = 9 << 20;
    private const int At = 400_000;
    private const int RestAt = 700_000;
    private const int LargeRestAt = 2_000_000;

    // A part that has the place of the fault in it and ends far before what is held back.
    private static readonly Storage.ByteRange Part = new(300_000, 200_000);
    private static readonly byte[] Small = Blobs.Bytes(Length, seed: 42);

    // More than a part of which waits for all of it.
    private static readonly byte[] Large = Blobs.Bytes(LargeLength, seed: 43);
    private static readonly Lock ReportLock = new(); // Protects the file of the report.

    private static readonly (string Name, S3Fault? Fault)[] Faults =
    [
        ("refuses connections", null),
        ("never answers", S3Fault.Hang),
        ("stops within the body", S3Fault.HangAfter(At)),
        ("500", S3Fault.InternalError),
        ("503 SlowDown", S3Fault.SlowDown),
        ("cuts the connection within the body", S3Fault.CutAfter(At)),
        ("one bit of the body is wrong", S3Fault.FlipBit(At)),
        ("the body is too short, and says so", S3Fault.WrongLength(-1000)),
        ("the body is too long, and says so", S3Fault.WrongLength(1000)),
        ("the ETag is another object's", S3Fault.WrongETag("\"00000000000000000000000000000000\"")),
        ("sends 1 MiB/s", S3Fault.Trickle(1 << 20)),
    ];

    public static TheoryData<string> Names => [.. Faults.Select(f => f.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Nothing_wrong_is_published_whatever_the_far_store_does(string name)
    {
        var fault = Faults.Single(f => f.Name == name).Fault;
        var rows = new List<string>();
        foreach (var isLasting in fault is null ? (bool[])[true] : [false, true])
        {
            var cells = await Task.WhenAll(
                RunAsync(fault, isLasting, isOurs: true, Small, Storage.ByteRange.Whole), RunAsync(fault, isLasting, isOurs: true, Small, Part), RunAsync(fault, isLasting, isOurs: true, Large, Part),
                RunAsync(fault, isLasting, isOurs: false, Small, Storage.ByteRange.Whole), RunAsync(fault, isLasting, isOurs: false, Small, Part), RunAsync(fault, isLasting, isOurs: false, Large, Part));
            rows.Add($"| {name}, {(isLasting ? "always" : "once")} | {string.Join(" | ", cells)} |");
        }
        Report(rows);
        var documented = await File.ReadAllLinesAsync(Repository.Path("docs", "reliability.md"), Cancel);
        rows.ShouldBeSubsetOf(documented, StringComparer.Ordinal);
    }

    /// <summary>One cell of the table. What must never be, fails here, whatever is documented.</summary>
    private async Task<string> RunAsync(S3Fault? fault, bool isLasting, bool isOurs, byte[] content, Storage.ByteRange part)
    {
        var server = await Fixture.RequireAsync();
        var options = await OptionsAsync() with { Prefix = NewPrefix(), Timeout = TimeSpan.FromSeconds(2) };
        await PutAsync(options, content, isOurs);
        await using var node = await TieredNode.OpenAsync(server, options);
        if (fault is null)
            await node.Proxy.RefuseAsync();
        else
            node.Proxy.Fail(fault, r => r.Call is S3Call.Get or S3Call.GetRange, times: isLasting ? int.MaxValue : 1);

        // The client is quick: it has got something, or all of its part, while the rest is still on its way and nobody knows yet whether the whole is good.
        var rest = node.Proxy.Hold(r => r.Call == S3Call.Get, bodyOffset: content == Large ? LargeRestAt : RestAt);
        var got = await ReadAsync(node.Store, content, part, rest);
        rest.Open();
        await node.SettleAsync();
        var stored = await node.Near.TryGetAsync(Blobs.Key("k"));
        if (stored is var (bytes, metadata))
        {
            bytes.AsSpan().SequenceEqual(content).ShouldBeTrue("what is stored is the object");
            metadata.FarValidator.Length.ShouldBe(isOurs ? 0 : 34, "what is stored is known by the validator that it has");
            metadata.FarValidator.ShouldNotContain("00000000000000000000000000000000");
        }
        if (part == Storage.ByteRange.Whole || isOurs || content == Small)
            got.ShouldNotBe(Got.Wrong);

        node.Proxy.Heal();
        node.Proxy.Accept();
        (await node.Store.GetAsync(Blobs.Key("k"))).Content.AsSpan().SequenceEqual(content).ShouldBeTrue("all is well afterwards");
        return $"{Word(got)}; {(stored is null ? "nothing" : "stored")}";
    }

    private async Task PutAsync(S3StoreOptions options, byte[] content, bool isOurs)
    {
        if (isOurs)
        {
            await using var direct = S3Store.Open(options, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
            (await direct.PutAsync(Blobs.Key("k"), content)).Status.ShouldBe(StoreStatus.Ok);
            return;
        }
        using var client = await Fixture.NewClientAsync();
        var request = new PutObjectRequest { BucketName = Fixture.Bucket, Key = $"{options.Prefix}test/k", InputStream = new MemoryStream(content), UseChunkEncoding = false };
        await client.PutObjectAsync(request, Cancel);
    }

    private static async Task<Got> ReadAsync(TieredStore store, byte[] content, Storage.ByteRange part, S3Gate rest)
    {
        var opened = await store.OpenReadAsync(Blobs.Key("k"), part, Cancel);
        if (!opened.IsOk)
            return opened.Status == StoreStatus.Unavailable ? Got.Unavailable : throw new InvalidOperationException($"{opened.Status}: {opened.Detail}");
        await using var reader = opened.Value;
        var offset = part.Offset;
        var end = Math.Min(part.Length, reader.Metadata.Length - offset) + offset;
        var isRight = part != Storage.ByteRange.Whole || end == content.Length;
        var buffer = new byte[50_000];
        try
        {
            while (offset < end)
            {
                var read = await reader.ReadAsync(offset, buffer.AsMemory(0, (int)Math.Min(buffer.Length, end - offset)), Cancel);
                isRight &= read > 0 && offset + read <= content.Length && buffer.AsSpan(0, read).SequenceEqual(content.AsSpan((int)offset, read));
                if (read == 0)
                    return Got.Wrong;
                offset += read;
                if (part == Storage.ByteRange.Whole)
                    rest.Open();
            }
            return isRight ? Got.Right : Got.Wrong;
        }
        catch (IOException)
        {
            return Got.Cut;
        }
    }

    private static string Word(Got got) => got switch
    {
        Got.Right => "right",
        Got.Unavailable => "503",
        Got.Cut => "cut off",
        _ => "**wrong bytes**",
    };

    private static void Report(List<string> rows)
    {
        if (Environment.GetEnvironmentVariable(ReportVariable) is not { Length: > 0 } path)
            return;
        lock (ReportLock)
            File.AppendAllText(path, string.Create(CultureInfo.InvariantCulture, $"{string.Join('\n', rows)}\n"));
    }

    private enum Got
    {
        /// <summary>All that was asked for, right.</summary>
        Right,

        /// <summary>An error instead of any content.</summary>
        Unavailable,

        /// <summary>A connection that ends within the content, so that it can't pass for the whole.</summary>
        Cut,

        /// <summary>Other bytes than the object's, as an answer that ends well.</summary>
        Wrong,
    }
}
