using System.Security.Cryptography;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests;

public sealed class WorkBesideTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Whoever_finishes_waits_for_work_that_another_thread_has_begun()
    {
        using var work = new Steps();
        work.Begin();
        work.Begun.Wait(Limit).ShouldBeTrue("the pool has free threads");
        var finished = Task.Run(work.Finish, TestContext.Current.CancellationToken);
        work.Go.Set();
        await finished.WaitAsync(Limit, TestContext.Current.CancellationToken);
        work.Done.ShouldBe(1);
    }

    [Fact]
    public async Task Whoever_gives_up_waits_for_it_too()
    {
        var work = new Steps();
        work.Begin();
        work.Begun.Wait(Limit).ShouldBeTrue("the pool has free threads");
        var disposed = Task.Run(work.Dispose, TestContext.Current.CancellationToken);
        work.Disposing.Wait(Limit).ShouldBeTrue();
        work.Go.Set();
        await disposed.WaitAsync(Limit, TestContext.Current.CancellationToken);
        work.DoneWhenDisposed.ShouldBe(1, "what the work reads would be given away");
    }

    [Fact]
    public void What_it_throws_is_thrown_where_it_is_finished_and_once()
    {
        using var work = new Steps { Fault = new IOException("no") };
        work.Go.Set();
        work.Begin();
        Should.Throw<IOException>(work.Finish).Message.ShouldBe("no");
        work.Finish();
        work.Fault = null;
        work.Begin();
        work.Finish();
        work.Done.ShouldBe(1);
    }

    /// <summary>Whoever does each piece, and however late the pool comes for the last one: each is done once, and in order.</summary>
    [Fact]
    public void Every_piece_counts_once()
    {
        var content = Contents.Mixed(3_000_000, seed: 4);
        for (var round = 0; round < 30; round++)
        {
            using var digest = new ContentDigest();
            var random = new Random(round);
            var at = 0;
            while (content.Length - at is > 1000 and var left)
            {
                var piece = content.AsMemory(at, Math.Min(left, 1 + random.Next(30_000)));
                if (random.Next(4) == 0)
                    digest.Append(piece.Span);
                else
                    digest.BeginAppend(piece);
                at += piece.Length;
            }
            digest.End(content.AsSpan(at)).ShouldBe(new Sha256Digest(SHA256.HashData(content)));
            digest.Checksums.ShouldBe([.. content.Chunk(1 << 20).Select(block => Crc32C.Of(block))]);
        }
    }

    private sealed class Steps : WorkBeside
    {
        public ManualResetEventSlim Begun { get; } = new();

        public ManualResetEventSlim Go { get; } = new();

        public ManualResetEventSlim Disposing { get; } = new();

        public Exception? Fault { get; set; }

        public int Done { get; private set; }

        public int DoneWhenDisposed { get; private set; }

        protected override void Do()
        {
            Begun.Set();
            Go.Wait(Limit);
            if (Fault is not null)
                throw Fault;
            Done++;
        }

        protected override void Dispose(bool disposing)
        {
            Disposing.Set();
            base.Dispose(disposing);
            DoneWhenDisposed = Done;
        }
    }
}
