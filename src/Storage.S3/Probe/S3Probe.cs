using System.Security.Cryptography;

namespace EdgeCache.Storage.S3;

/// <summary>
/// Finds out what an endpoint can do by doing it: on a few objects of random names below <c>.edgecache-probe/</c> in the prefix, which no key can name. They are removed at the end.
/// </summary>
public sealed class S3Probe
{
    private static readonly TimeSpan MaxSkew = TimeSpan.FromMinutes(5); // A third of what signatures bear.
    private static readonly BlobKey Key = BlobKey.Create("probe", "", "probe");

    private readonly S3StoreOptions _options;
    private readonly S3Session _session;
    private readonly TimeProvider _time;
    private readonly CancellationToken _cancellationToken;
    private readonly string _folder;
    private readonly List<string> _names = [];
    private readonly List<S3ProbeStep> _steps = [];
    private readonly byte[] _content = RandomNumberGenerator.GetBytes(64 * 1024);

    private S3Probe(S3StoreOptions options, S3Session session, TimeProvider time, CancellationToken cancellationToken)
    {
        _cancellationToken = cancellationToken;
        _options = options;
        _session = session;
        _time = time;
        _folder = $"{options.Prefix}.edgecache-probe/{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}/";
    }

    /// <summary>Probes. Whatever the server does is in the report.</summary>
    /// <param name="options">Where and how.</param>
    /// <param name="time">The clock that the server's is compared with.</param>
    /// <param name="cancellationToken">Ends the probe, leaving its objects.</param>
    /// <exception cref="IOException">The credentials or the CA file can't be used; the message says why.</exception>
    public static async Task<S3ProbeReport> RunAsync(S3StoreOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        using var session = new S3Session(options, time);
        return await new S3Probe(options, session, time, cancellationToken).RunAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task<S3ProbeReport> RunAsync(CancellationToken cancellationToken)
    {
        var (small, large) = (NewName("small"), NewName("large"));
        var etag = "";
        await StepAsync("put", "", async () => etag = (await _session.PutAsync(small, PooledContent.Stream(_content), Blob(_content), default, cancellationToken).ConfigureAwait(false)).ETag ?? "").ConfigureAwait(false);
        CheckClock();
        if (_steps[0].Result != S3ProbeResult.Good)
            return new S3ProbeReport(_steps, S3Capabilities.Unknown);

        await StepAsync("head", "with the metadata that was put", () => HeadAsync(small, cancellationToken)).ConfigureAwait(false);
        await StepAsync("get", "", () => GetAsync(small, 0, _content, cancellationToken)).ConfigureAwait(false);
        await StepAsync("get a range", "", () => GetAsync(small, 1000, _content.AsMemory(1000, 500), cancellationToken)).ConfigureAwait(false);
        await StepAsync("get under a condition", "If-Match refuses another version", () => MustRefuseAsync(async () => (await _session.GetAsync(small, null, Other, cancellationToken).ConfigureAwait(false)).Dispose())).ConfigureAwait(false);
        var createOnly = await TryAsync(
            "create only",
            "If-None-Match: * refuses a second write",
            "the server overwrites: of two nodes that write different bytes under one key of an immutable namespace at the same time, the last wins",
            () => _session.PutAsync(small, PooledContent.Stream(_content), Blob(_content), new Precondition(IsAbsent: true, null), cancellationToken)).ConfigureAwait(false);
        var replace = await TryAsync(
            "replace under a condition",
            "If-Match refuses to replace another version",
            "a conditional write (If-Match) of one node may overtake that of another",
            () => _session.PutAsync(small, PooledContent.Stream(_content), Blob(_content), new Precondition(IsAbsent: false, Other), cancellationToken),
            () => _session.PutAsync(small, PooledContent.Stream(_content), Blob(_content), new Precondition(IsAbsent: false, etag), cancellationToken)).ConfigureAwait(false);
        await StepAsync("upload in parts", "", () => PutPartsAsync(large, default, cancellationToken)).ConfigureAwait(false);
        var createInParts = await TryAsync(
            "create only, in parts",
            "If-None-Match: * refuses a second upload",
            $"of two nodes that write different content larger than {_options.PartSize >> 20} MiB under one immutable key in the same instant, the last wins",
            () => PutPartsAsync(large, new Precondition(IsAbsent: true, null), cancellationToken)).ConfigureAwait(false);
        await StepAsync("give up an upload in parts", "", () => AbortAsync(cancellationToken)).ConfigureAwait(false);
        await StampAsync(large, cancellationToken).ConfigureAwait(false);
        await StepAsync("list", "page by page, in order", () => ListAsync(cancellationToken)).ConfigureAwait(false);
        var delete = await TryAsync(
            "delete under a condition",
            "If-Match refuses to delete another version",
            "a conditional delete of one node may delete what another has just written",
            () => _session.DeleteAsync(small, Other, cancellationToken),
            () => _session.DeleteAsync(small, etag, cancellationToken)).ConfigureAwait(false);
        await StepAsync("delete", "", () => DeleteAsync(small, cancellationToken)).ConfigureAwait(false);
        await RemoveAllAsync(cancellationToken).ConfigureAwait(false);
        return new S3ProbeReport(_steps, new S3Capabilities(createOnly, createInParts, replace, delete));
    }

    /// <summary>A validator that no object of the probe has.</summary>
    private static string Other => "\"00000000000000000000000000000000\"";

    private string NewName(string name)
    {
        _names.Add(_folder + name);
        return _names[^1];
    }

    private BlobMetadata Blob(byte[] content)
    {
        var digest = new Sha256Digest(SHA256.HashData(content));
        return new BlobMetadata
        {
            Key = Key,
            Length = content.Length,
            PayloadLength = content.Length,
            Sha256 = digest,
            PayloadSha256 = digest,
            Created = _time.GetUtcNow(),
            Generation = 1,
            Writer = "probe",
            Tags = ["a b"],
        };
    }

    private async Task HeadAsync(string name, CancellationToken cancellationToken)
    {
        var answer = await _session.HeadAsync(name, cancellationToken).ConfigureAwait(false);
        var headers = new ObjectHeaders(answer.Headers.ContentLength, answer.ETag, default, answer.Headers.ContentType, null, n => answer.Metadata[n]);
        var read = ObjectMetadata.Read(Key, headers);
        var expected = Blob(_content);
        if (read.Length != expected.Length || read.Sha256 != expected.Sha256 || read.Writer != expected.Writer || !read.Tags.SequenceEqual(expected.Tags, StringComparer.Ordinal))
            throw new ProbeException("the metadata (x-amz-meta-…) does not come back as it was put; is there a proxy that removes it?");
    }

    private async Task GetAsync(string name, long offset, ReadOnlyMemory<byte> expected, CancellationToken cancellationToken)
    {
        (long, long)? range = expected.Length == _content.Length ? null : (offset, offset + expected.Length - 1);
        using var answer = await _session.GetAsync(name, range, etag: null, cancellationToken).ConfigureAwait(false);
        if (range is not null && !S3BlobReader.HasRange(answer, offset))
            throw new ProbeException("the server ignores ranges.");
        var read = new byte[expected.Length + 1];
        using var limit = new CancellationTokenSource(_options.Timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        var length = await answer.ResponseStream.ReadAtLeastAsync(read, read.Length, throwOnEndOfStream: false, either.Token).ConfigureAwait(false);
        if (!read.AsSpan(0, length).SequenceEqual(expected.Span))
            throw new ProbeException("other bytes came back than were put; is there a proxy that changes them?");
    }

    private async Task PutPartsAsync(string name, Precondition condition, CancellationToken cancellationToken)
    {
        var first = new byte[S3StoreOptions.MinPartSize];
        var upload = await _session.BeginPartsAsync(name, Blob(_content), cancellationToken).ConfigureAwait(false);
        try
        {
            var parts = new[]
            {
                await _session.PutPartAsync(name, upload, 1, PooledContent.Stream(first), cancellationToken).ConfigureAwait(false),
                await _session.PutPartAsync(name, upload, 2, PooledContent.Stream(_content), cancellationToken).ConfigureAwait(false),
            };
            await _session.CompletePartsAsync(name, upload, parts, condition, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (S3Faults.IsConflict(error))
        {
            await _session.AbortPartsAsync(name, upload, cancellationToken).ConfigureAwait(false);
            throw;
        }
        var head = await _session.HeadAsync(name, cancellationToken).ConfigureAwait(false);
        if (head.Headers.ContentLength != first.Length + _content.Length)
            throw new ProbeException("the object has not the length of its parts.");
    }

    private async Task AbortAsync(CancellationToken cancellationToken)
    {
        var name = NewName("given-up");
        var upload = await _session.BeginPartsAsync(name, Blob(_content), cancellationToken).ConfigureAwait(false);
        await _session.PutPartAsync(name, upload, 1, PooledContent.Stream(_content), cancellationToken).ConfigureAwait(false);
        await _session.AbortPartsAsync(name, upload, cancellationToken).ConfigureAwait(false);
    }

    private Task StampAsync(string name, CancellationToken cancellationToken) => StepAsync(
        "copy with other metadata",
        "",
        async () =>
        {
            var head = await _session.HeadAsync(name, cancellationToken).ConfigureAwait(false);
            await _session.ReplaceMetadataAsync(name, head.ETag, Blob(_content), cancellationToken).ConfigureAwait(false);
        },
        "of content that is larger than a part and comes without a digest, the SHA-256 is not written down");

    private async Task ListAsync(CancellationToken cancellationToken)
    {
        var found = new List<string>();
        string? continuation = null;
        do
        {
            var page = await _session.ListAsync(_folder, after: null, continuation, pageLength: 1, cancellationToken).ConfigureAwait(false);
            found.AddRange((page.S3Objects ?? []).Select(o => o.Key));
            continuation = page.IsTruncated == true ? page.NextContinuationToken : null;
        }
        while (continuation is not null && found.Count <= _names.Count);
        if (!found.SequenceEqual(_names[..2].Order(StringComparer.Ordinal), StringComparer.Ordinal))
            throw new ProbeException("the list is not that of the objects that are there, in order.");
    }

    private async Task DeleteAsync(string name, CancellationToken cancellationToken)
    {
        await _session.DeleteAsync(name, etag: null, cancellationToken).ConfigureAwait(false);
        try
        {
            await _session.HeadAsync(name, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (S3Faults.IsMissing(error))
        {
            return;
        }
        throw new ProbeException("the object is still there.");
    }

    private Task RemoveAllAsync(CancellationToken cancellationToken) => StepAsync(
        "delete many",
        "",
        () => _session.DeleteManyAsync(_names, cancellationToken),
        $"the objects of this probe stay: remove them below {_folder}");

    private void CheckClock()
    {
        if (_session.Clock.Skew is not { } skew)
            return;
        var apart = skew.Duration();
        _steps.Add(new S3ProbeStep(
            "clock",
            apart <= MaxSkew ? S3ProbeResult.Good : S3ProbeResult.Failed,
            apart < TimeSpan.FromSeconds(2) ? "together" : $"the server's is {apart.TotalSeconds:0} s {(skew > TimeSpan.Zero ? "ahead of" : "behind")} this machine's{(apart <= MaxSkew ? "" : ": set the clock (NTP); signatures are refused from 15 minutes on")}",
            TimeSpan.Zero));
    }

    /// <summary>Tries a call that the server should refuse, and one that it should not.</summary>
    private async Task<bool> TryAsync(string name, string good, string lacking, Func<Task> refused, Func<Task>? taken = null)
    {
        async Task BothAsync()
        {
            await MustRefuseAsync(refused).ConfigureAwait(false);
            if (taken is not null)
                await taken().ConfigureAwait(false);
        }

        await StepAsync(name, good, BothAsync, lacking).ConfigureAwait(false);
        return _steps[^1].Result == S3ProbeResult.Good;
    }

    private static async Task MustRefuseAsync(Func<Task> call)
    {
        try
        {
            await call().ConfigureAwait(false);
        }
        catch (Exception error) when (S3Faults.IsConflict(error))
        {
            return;
        }
        throw new ProbeException("the server ignores the condition.");
    }

    /// <summary>Runs a step. One that may be lacking says at what price.</summary>
    private async Task StepAsync(string name, string good, Func<Task> call, string? lacking = null)
    {
        var began = _time.GetTimestamp();
        var (result, detail) = (S3ProbeResult.Good, good);
        try
        {
            await call().ConfigureAwait(false);
        }
        catch (Exception error) when (error is ProbeException || (S3Faults.IsExpected(error) && !_cancellationToken.IsCancellationRequested))
        {
            result = lacking is null ? S3ProbeResult.Failed : S3ProbeResult.Lacking;
            detail = lacking ?? (error is ProbeException ? error.Message : S3Faults.Explain(error, _options));
        }
        _steps.Add(new S3ProbeStep(name, result, detail, _time.GetElapsedTime(began)));
    }

    private sealed class ProbeException(string message) : Exception(message);
}
