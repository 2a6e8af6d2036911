using System.Security.Cryptography;
using EdgeCache.Edge.Delivery;
using EdgeCache.Storage;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.AspNetCore.Http;

namespace EdgeCache.Edge.Tests.Delivery;

/// <summary>Random combinations of the five fields, against the steps of RFC 9110, section 13.2.2, written down once more in the most literal way.</summary>
public sealed class PreconditionPropertyTests
{
    private static readonly DateTimeOffset Created = new(2026, 3, 4, 5, 6, 7, 890, TimeSpan.Zero);
    private static readonly string Tag = $"\"{Convert.ToHexStringLower(SHA256.HashData("x"u8))}\"";
    private static readonly string Other = $"\"{new string('a', 64)}\"";

    private static readonly string?[] TagFields = [null, "*", Tag, $"W/{Tag}", Other, "\"short\"", $"{Other}, {Tag}", $"W/{Tag}, {Other}"];
    private static readonly string?[] DateFields = [null, Date(-1), Date(0), Date(1), "not a date"];

    private static readonly BlobMetadata Blob = new()
    {
        Key = BlobKey.Create("artifacts", "", "k"),
        Length = 1,
        PayloadLength = 1,
        Sha256 = new Sha256Digest(SHA256.HashData("x"u8)),
        PayloadSha256 = new Sha256Digest(SHA256.HashData("x"u8)),
        Created = Created,
        Generation = 1,
    };

    [Fact]
    public void A_read_follows_the_steps_of_the_RFC() =>
        Prop.ForAll(Fields(), fields =>
        {
            var (ifMatch, unmodified, ifNoneMatch, modified) = fields;
            var etag = Representation.ETag(Blob);
            return Preconditions.EvaluateRead(Headers(fields), Blob, default, ref etag) == Expected(ifMatch, unmodified, ifNoneMatch, modified);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_write_is_allowed_exactly_when_the_steps_of_the_RFC_allow_it() =>
        Prop.ForAll(Fields(), fields =>
        {
            var (ifMatch, unmodified, ifNoneMatch, _) = fields;
            // A date that can't be read is an error here and no reason to go on: it guards a change.
            if (!Preconditions.TryGetCondition(Headers(fields), out var condition))
                return ifMatch is null && unmodified == "not a date";
            var onBlob = ifMatch is not null ? Matches(ifMatch, strong: true) : unmodified is null || IsNotNewerThan(unmodified);
            var onNothing = ifMatch is null;
            onBlob &= ifNoneMatch is null || !Matches(ifNoneMatch, strong: false);
            return (condition?.Holds(Blob) ?? true) == onBlob && (condition?.Holds(null) ?? true) == onNothing;
        }).QuickCheckThrowOnFailure();

    private static PreconditionResult Expected(string? ifMatch, string? unmodified, string? ifNoneMatch, string? modified)
    {
        // Steps 1 and 2.
        if (ifMatch is not null)
        {
            if (!Matches(ifMatch, strong: true))
                return PreconditionResult.Failed;
        }
        else if (unmodified is not (null or "not a date") && !IsNotNewerThan(unmodified))
        {
            return PreconditionResult.Failed;
        }

        // Steps 3 and 4.
        if (ifNoneMatch is not null)
            return Matches(ifNoneMatch, strong: false) ? PreconditionResult.NotModified : PreconditionResult.Proceed;
        return modified is not (null or "not a date") && IsNotNewerThan(modified) ? PreconditionResult.NotModified : PreconditionResult.Proceed;
    }

    private static bool Matches(string field, bool strong) =>
        field == "*" || field.Split(", ").Any(tag => tag == Tag || (!strong && tag == $"W/{Tag}"));

    /// <summary>Dates have whole seconds: a blob of 7.89 s is not newer than 7 s.</summary>
    private static bool IsNotNewerThan(string date) => DateTimeOffset.Parse(date) >= Created.AddMilliseconds(-890);

    private static string Date(int seconds) => Created.AddMilliseconds(-890).AddSeconds(seconds).ToString("R");

    private static HeaderDictionary Headers((string? IfMatch, string? Unmodified, string? IfNoneMatch, string? Modified) fields)
    {
        var headers = new HeaderDictionary();
        Add("If-Match", fields.IfMatch);
        Add("If-Unmodified-Since", fields.Unmodified);
        Add("If-None-Match", fields.IfNoneMatch);
        Add("If-Modified-Since", fields.Modified);
        return headers;

        void Add(string name, string? value)
        {
            if (value is not null)
                headers[name] = value;
        }
    }

    private static Arbitrary<(string? IfMatch, string? Unmodified, string? IfNoneMatch, string? Modified)> Fields() =>
        (from ifMatch in Gen.Elements(TagFields)
         from unmodified in Gen.Elements(DateFields)
         from ifNoneMatch in Gen.Elements(TagFields)
         from modified in Gen.Elements(DateFields)
         select (ifMatch, unmodified, ifNoneMatch, modified)).ToArbitrary();
}
