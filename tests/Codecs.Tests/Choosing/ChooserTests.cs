using EdgeCache.Codecs.Choosing;
using EdgeCache.Codecs.Zstd;
using EdgeCache.TestKit;
using Microsoft.Extensions.Time.Testing;

namespace EdgeCache.Codecs.Tests.Choosing;

public sealed class ChooserTests
{
    private static readonly CompressionPolicy Policy = new();
    private static readonly byte[] Text = Contents.Text(100_000);
    private static readonly byte[] Noise = Blobs.Bytes(100_000);

    private readonly FixedPressure _pressure = new();
    private readonly CompressionChooser _chooser;

    public ChooserTests() => _chooser = new CompressionChooser(new ZstdCodec(), _pressure);

    [Fact]
    public void Each_kind_of_content_has_its_choice_and_reason()
    {
        Choose(Text).ShouldBe(new(CompressionMethod.Zstd, 5, CompressionReason.Compressible));
        Choose(Noise).Reason.ShouldBe(CompressionReason.Entropy);
        Choose(Text[..1023]).Reason.ShouldBe(CompressionReason.TooSmall);
        Choose([0x1F, 0x8B, .. Text]).Reason.ShouldBe(CompressionReason.Magic);
        _chooser.Choose("a", Text, CompressionPolicy.Off).Reason.ShouldBe(CompressionReason.Off);
        new CompressionChooser(new ZstdCodec(new(), ["libnosuch.so.9"]), _pressure).Choose("a", Text, Policy).Reason.ShouldBe(CompressionReason.Unavailable);
    }

    [Fact]
    public void The_doubtful_is_tried_and_what_the_trial_says_counts()
    {
        var doubtful = Noise.ToArray();
        for (var at = 0; at < doubtful.Length; at += 5)
            doubtful[at] = 0;
        var choice = Choose(doubtful);
        choice.Reason.ShouldBe(CompressionReason.Trial);
        CompressionChooser.Judge(choice, 100_000, 80_000, CodecStatus.Ok).ShouldBe(choice);
        CompressionChooser.Judge(choice, 100_000, 95_000, CodecStatus.Ok).ShouldBe(new(CompressionMethod.Identity, 0, CompressionReason.TrialFailed));
        CompressionChooser.Judge(choice, 100_000, 100_009, CodecStatus.Busy).ShouldBe(new(CompressionMethod.Identity, 0, CompressionReason.Busy));
    }

    [Fact]
    public void Under_load_it_is_done_faster_and_then_not_at_all()
    {
        _pressure.Current = 0.8;
        Choose(Text).Level.ShouldBe(1);
        _pressure.Current = 0.97;
        Choose(Text).ShouldBe(new(CompressionMethod.Identity, 0, CompressionReason.Pressure));
        _pressure.Current = 0.1;
        Choose(Text).Level.ShouldBe(5);
    }

    [Fact]
    public void A_namespace_in_which_nothing_shrinks_is_looked_at_now_and_then_only_and_is_believed_again_when_it_does()
    {
        for (var i = 0; i < 16; i++)
            Note("nx", new(CompressionMethod.Identity, 0, CompressionReason.TrialFailed), 1000);
        Enumerable.Range(0, 64).Count(_ => _chooser.Choose("nx", Text, Policy).Reason != CompressionReason.History).ShouldBe(2);
        Choose(Text).Reason.ShouldBe(CompressionReason.Compressible, "another namespace knows nothing of it");
        for (var i = 0; i < 10; i++)
            Note("nx", new(CompressionMethod.Zstd, 5, CompressionReason.Compressible), 300);
        _chooser.Choose("nx", Text, Policy).Reason.ShouldBe(CompressionReason.Compressible);
    }

    [Fact]
    public void More_namespaces_than_are_remembered_are_no_trouble()
    {
        for (var i = 0; i < 1000; i++)
            _chooser.Choose($"n{i}", Noise, Policy).Reason.ShouldBe(CompressionReason.Entropy);
        _chooser.Choose("n999", Text, Policy).Reason.ShouldBe(CompressionReason.Compressible);
    }

    [Fact]
    public void What_was_chosen_is_counted()
    {
        Note("a", Choose(Text), 300);
        Note("a", Choose(Text), 300);
        Note("a", Choose(Noise), 1000);
        _chooser.Totals.ShouldBe([new(CompressionMethod.Identity, CompressionReason.Entropy, 1, 1000, 1000), new(CompressionMethod.Zstd, CompressionReason.Compressible, 2, 2000, 600)]);
    }

    [Fact]
    public void The_pressure_is_what_the_process_used_since_it_was_last_measured()
    {
        var time = new FakeTimeProvider();
        var used = TimeSpan.Zero;
        var pressure = new ProcessCpuPressure(time, () => used, processors: 4);
        pressure.Current.ShouldBe(0);
        used = TimeSpan.FromSeconds(2);
        time.Advance(TimeSpan.FromMilliseconds(100));
        pressure.Current.ShouldBe(0, "it is too early to measure");
        time.Advance(TimeSpan.FromMilliseconds(900));
        pressure.Current.ShouldBe(0.5, 1e-9);
        time.Advance(TimeSpan.FromSeconds(1));
        pressure.Current.ShouldBe(0);
    }

    [Theory]
    [InlineData(0.5, 1.0, 1.0)]
    [InlineData(0.5, 0.6, 0.6)]
    [InlineData(0.1, 1.0, 0.9)]
    [InlineData(0.1, 0.5, 0.5)]
    [InlineData(0.8, 0.2, 0.8)]
    [InlineData(0.5, 1.0, 0.5, 8)]
    public void What_others_do_counts_in_full_only_for_who_does_much_himself_and_may_use_all(double own, double all, double pressure, int host = 2)
    {
        var time = new FakeTimeProvider();
        var (used, ticks, idle) = (TimeSpan.Zero, 0.0, 0.0);
        var current = new ProcessCpuPressure(time, () => used, processors: 2, () => new MachineCpu((long)ticks, (long)idle));
        time.Advance(TimeSpan.FromSeconds(1));
        (used, ticks, idle) = (TimeSpan.FromSeconds(2 * own), 100 * host, 100 * host * (1 - all));
        current.Current.ShouldBe(pressure, 1e-6);
    }

    [Fact]
    public void The_system_tells_what_its_processors_do()
    {
        MachineCpu.Parse("cpu  10 20 30 400 50 6 7 8 9 9\ncpu0 1"u8).ShouldBe(new MachineCpu(531, 450));
        MachineCpu.Parse("cpu  10 20 30 400"u8).ShouldBeNull();
        MachineCpu.Parse("intr 1 2 3 4 5 6 7 8"u8).ShouldBeNull();
        MachineCpu.Parse([]).ShouldBeNull();
        new MachineCpu(100, 50).BusySince(new MachineCpu(100, 50)).ShouldBe(0);
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux tells.");
        MachineCpu.Read().ShouldNotBeNull().All.ShouldBeGreaterThan(0);
    }

    private CompressionChoice Choose(byte[] content) => _chooser.Choose("a", content, Policy);

    private void Note(string name, CompressionChoice choice, long payloadLength) => _chooser.Note(name, choice, 1000, payloadLength);

    private sealed class FixedPressure : ICpuPressure
    {
        public double Current { get; set; }
    }
}
