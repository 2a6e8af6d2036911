using System.Security.Cryptography;
using FsCheck;
using FsCheck.Fluent;

namespace EdgeCache.Storage.Tests;

public sealed class BlobConditionTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly Sha256Digest One = new(SHA256.HashData("one"u8));
    private static readonly Sha256Digest Two = new(SHA256.HashData("two"u8));
    private static readonly BlobMetadata Blob = new()
    {
        Key = BlobKey.Create("ns", "", "k"),
        Length = 3,
        Sha256 = One,
        Created = Noon.AddMilliseconds(700),
        PayloadLength = 3,
        PayloadSha256 = One,
        Generation = 1,
    };

    public static TheoryData<string, BlobCondition, bool, bool> Table => new()
    {
        // Name, condition, holds for no blob, holds for the blob.
        { "no part", new BlobCondition(), true, true },
        { "must exist", new BlobCondition { MustExist = true }, false, true },
        { "must be absent", BlobCondition.Absent, true, false },
        { "any of its digest", new BlobCondition { AnyOf = [Two, One] }, false, true },
        { "any of another digest", new BlobCondition { AnyOf = [Two] }, false, false },
        { "any of none", new BlobCondition { AnyOf = [] }, false, false },
        { "none of its digest", new BlobCondition { NoneOf = [Two, One] }, true, false },
        { "none of another digest", new BlobCondition { NoneOf = [Two] }, true, true },
        { "none of none", new BlobCondition { NoneOf = [] }, true, true },
        { "any of none but a tag that is not its own", new BlobCondition { AnyOf = [], AnyOfTags = ["\"v\""] }, false, false },
        { "none of a tag that is not its own", new BlobCondition { NoneOf = [], NoneOfTags = ["\"v\""] }, true, true },
        { "unmodified since before", new BlobCondition { UnmodifiedSince = Noon.AddSeconds(-1) }, true, false },
        { "unmodified since the same second", new BlobCondition { UnmodifiedSince = Noon }, true, true },
        { "unmodified since later", new BlobCondition { UnmodifiedSince = Noon.AddSeconds(1) }, true, true },
        { "unmodified since, in another time zone", new BlobCondition { UnmodifiedSince = Noon.ToOffset(TimeSpan.FromHours(5)) }, true, true },
    };

    [Theory]
    [MemberData(nameof(Table))]
    public void A_single_part_holds_as_the_table_says(string part, BlobCondition condition, bool forNone, bool forBlob)
    {
        condition.Holds(null).ShouldBe(forNone, part);
        condition.Holds(Blob).ShouldBe(forBlob, part);
    }

    [Fact]
    public void Parts_together_hold_exactly_if_each_one_holds()
    {
        Sha256Digest[]?[] lists = [null, [], [One], [Two], [One, Two]];
        var conditions =
            from exist in Gen.Elements<bool?>(null, true, false)
            from anyOf in Gen.Elements(lists)
            from noneOf in Gen.Elements(lists)
            from since in Gen.Elements<DateTimeOffset?>(null, Noon.AddSeconds(-1), Noon, Noon.AddSeconds(1))
            select new BlobCondition { MustExist = exist, AnyOf = anyOf, NoneOf = noneOf, UnmodifiedSince = since };
        Prop.ForAll(conditions.ToArbitrary(), Gen.Elements<BlobMetadata?>(null, Blob).ToArbitrary(), (together, current) =>
        {
            BlobCondition[] alone =
            [
                new() { MustExist = together.MustExist }, new() { AnyOf = together.AnyOf },
                new() { NoneOf = together.NoneOf }, new() { UnmodifiedSince = together.UnmodifiedSince },
            ];
            return together.Holds(current) == alone.All(a => a.Holds(current));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));
    }

    [Fact]
    public void A_digest_that_nobody_knows_is_none_of_those_that_are_named_not_even_by_its_own_value()
    {
        var unknown = Blob with { Sha256 = default, PayloadSha256 = default };
        new BlobCondition { AnyOf = [default, One] }.Holds(unknown).ShouldBeFalse();
        new BlobCondition { NoneOf = [default, One] }.Holds(unknown).ShouldBeTrue();
    }

    [Fact]
    public void A_blob_that_is_known_by_the_far_stores_validator_is_named_by_that()
    {
        var digestLike = $"\"{Two.ToHex()}\"";
        foreach (var theirs in (BlobMetadata[])[Blob with { FarValidator = "\"v\"", Sha256 = default, PayloadSha256 = default }, Blob with { FarValidator = "\"v\"" }])
        {
            new BlobCondition { AnyOf = [], AnyOfTags = ["\"w\"", "\"v\""] }.Holds(theirs).ShouldBeTrue();
            new BlobCondition { AnyOf = [], AnyOfTags = ["\"w\""] }.Holds(theirs).ShouldBeFalse();
            new BlobCondition { NoneOf = [], NoneOfTags = ["\"v\""] }.Holds(theirs).ShouldBeFalse();
            new BlobCondition { NoneOf = [], NoneOfTags = ["\"w\""] }.Holds(theirs).ShouldBeTrue();
            new BlobCondition { AnyOf = [Two] }.Holds(theirs).ShouldBeFalse();
            new BlobCondition { AnyOf = [Two] }.Holds(theirs with { FarValidator = digestLike }).ShouldBeTrue();
            new BlobCondition { NoneOf = [Two] }.Holds(theirs with { FarValidator = digestLike }).ShouldBeFalse();
        }
        new BlobCondition { AnyOf = [], AnyOfTags = ["\"v\""] }.Holds(null).ShouldBeFalse();
    }
}
