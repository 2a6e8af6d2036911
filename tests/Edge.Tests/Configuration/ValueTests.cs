using EdgeCache.Edge.Configuration;
using FsCheck;
using FsCheck.Fluent;

namespace EdgeCache.Edge.Tests.Configuration;

public sealed class ValueTests
{
    [Fact]
    public void Every_size_is_read_back_from_its_own_text() => Prop.ForAll<long>(n =>
    {
        var size = new ByteSize(n & long.MaxValue);
        return ByteSize.TryParse(size.ToString(), out var again) && again == size && ByteSize.TryParse($"{size.Bytes}", out again) && again == size;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_size_with_a_unit_is_the_product_or_refused() => Prop.ForAll(
        ArbMap.Default.ArbFor<NonNegativeInt>().Generator.SelectMany(n => Gen.Choose(0, 3).Select(shift => (long)n.Get << (shift * 10))).ToArbitrary(),
        Gen.Elements(("kb", 1_000L), ("KiB", 1L << 10), ("MB", 1_000_000L), ("mib", 1L << 20), ("Gb", 1_000_000_000L), ("GIB", 1L << 30), ("tb", 1_000_000_000_000L), ("TiB", 1L << 40)).ToArbitrary(),
        (count, unit) =>
        {
            var exact = (Int128)count * unit.Item2;
            return ByteSize.TryParse($"{count} {unit.Item1}", out var size) ? size.Bytes == exact : exact > long.MaxValue;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Every_time_is_read_back_from_its_own_text() => Prop.ForAll<long>(n =>
    {
        var span = new TimeSpan(n);
        var seconds = TimeSpan.FromSeconds(n % 1_000_000_000);
        return Duration.TryParse(Duration.Format(span), out var again) && again == span && Duration.TryParse(Duration.Format(seconds), out again) && again == seconds;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void No_text_at_all_makes_a_parser_throw() => Prop.ForAll<string?>(text =>
    {
        _ = ByteSize.TryParse(text, out _) | Duration.TryParse(text, out _) | ListenAddress.TryParse(text, out _) | ListenAddress.TryParseEndPoint(text, out _, out _);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void No_file_at_all_makes_the_reader_throw() => Prop.ForAll<byte[], string?>((noise, text) =>
    {
        var values = new Dictionary<string, ConfigurationValue>(StringComparer.OrdinalIgnoreCase);
        _ = JsonLayer.TryRead("x", noise, ConfigurationLayer.File, values);
        byte[] quoted = [.. "{\"a\":\""u8, .. noise, .. System.Text.Encoding.UTF8.GetBytes(text ?? ""), .. "\"}"u8];
        _ = JsonLayer.TryRead("x", quoted, ConfigurationLayer.File, values);
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("0", 0)]
    [InlineData("1048576", 1048576)]
    [InlineData(" 10 gib ", 10L << 30)]
    [InlineData("500MB", 500_000_000)]
    [InlineData("7b", 7)]
    [InlineData("9223372036854775807", long.MaxValue)]
    public void Sizes(string text, long bytes)
    {
        ByteSize.TryParse(text, out var size).ShouldBeTrue();
        size.Bytes.ShouldBe(bytes);
    }

    [Theory]
    [InlineData("")]
    [InlineData(null)]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData("1.5 GB")]
    [InlineData("GB")]
    [InlineData("10 G")]
    [InlineData("10 GB 5")]
    [InlineData("9223372036854775808")]
    [InlineData("9007199254740993 KiB")]
    [InlineData("99999999999999999999 TB")]
    public void Texts_that_are_no_sizes(string? text) => ByteSize.TryParse(text, out _).ShouldBeFalse();

    [Theory]
    [InlineData("500ms", 500)]
    [InlineData("30s", 30_000)]
    [InlineData("5 M", 300_000)]
    [InlineData("2h", 7_200_000)]
    [InlineData("1d", 86_400_000)]
    [InlineData("00:00:30", 30_000)]
    [InlineData("0s", 0)]
    public void Times(string text, long milliseconds)
    {
        Duration.TryParse(text, out var span).ShouldBeTrue();
        span.ShouldBe(TimeSpan.FromMilliseconds(milliseconds));
    }

    [Theory]
    [InlineData("")]
    [InlineData(null)]
    [InlineData("30")]
    [InlineData("s")]
    [InlineData("1.5h")]
    [InlineData("-5s")]
    [InlineData("1h30m")]
    [InlineData("00:00:99")]
    [InlineData("99999999999999d")]
    public void Texts_that_are_no_times(string? text) => Duration.TryParse(text, out _).ShouldBeFalse();
}
