using System.Security.Cryptography.X509Certificates;
using EdgeCache.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeCache.Storage.S3.Tests;

/// <summary>What is about requests and connections: headers that are sent, certificates, answers that are lost.</summary>
public sealed class ConnectionTests(S3Fixture fixture) : S3StoreTest(fixture)
{
    private const string NotThere = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    private const string Done = "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 0\r\n\r\n";

    [Fact]
    public async Task Every_write_asks_for_what_is_configured_and_never_to_be_told_to_continue()
    {
        await using var server = new StubServer(Done);
        await using var store = Open(new Uri($"http://127.0.0.1:{server.Port}"), o => o with
        {
            Encryption = S3Encryption.Kms,
            KmsKeyId = "key-1",
            StorageClass = "STANDARD_IA",
            ExpectedBucketOwner = "123456789012",
            SessionToken = "token-1",
            Capabilities = new S3Capabilities(true, true, true, true),
        });

        (await store.PutAsync(Blobs.Key("k"), Blobs.Bytes(500))).Status.ShouldBe(StoreStatus.Ok);

        var head = server.Requests.ShouldHaveSingleItem();
        head.ShouldStartWith("PUT /bucket/test/k HTTP/1.1\r\n");
        string[] expected =
        [
            "x-amz-server-side-encryption: aws:kms", "x-amz-server-side-encryption-aws-kms-key-id: key-1", "x-amz-storage-class: STANDARD_IA",
            "x-amz-expected-bucket-owner: 123456789012", "x-amz-security-token: token-1", "If-None-Match: *",
        ];
        foreach (var line in expected)
            head.ShouldContain($"\r\n{line}\r\n", Case.Insensitive);
        head.ShouldNotContain("Expect:", Case.Insensitive);
        head.ShouldNotContain("aws-chunked");
    }

    [Fact]
    public async Task A_certificate_is_trusted_by_the_file_of_its_issuer_and_not_without()
    {
        var pem = TestCertificate.Create();
        using var folder = new TestFolder();
        await pem.WriteAsync(folder.File("cert.pem"), folder.File("key.pem"));
        await using var server = new StubServer(NotThere, X509Certificate2.CreateFromPem(pem.CertificatePem, pem.KeyPem));
        var endpoint = new Uri($"https://127.0.0.1:{server.Port}");

        await using (var distrustful = Open(endpoint))
            (await distrustful.StatAsync(Blobs.Key("k"), Cancel)).Detail.ShouldNotBeNull().ShouldContain("is not trusted");
        server.Requests.ShouldBeEmpty();
        await using (var trusting = Open(endpoint, o => o with { CaFile = folder.File("cert.pem") }))
            (await trusting.StatAsync(Blobs.Key("k"), Cancel)).Detail.ShouldNotBeNull().ShouldContain("The bucket 'bucket' does not exist");
        Should.Throw<IOException>(() => Open(endpoint, o => o with { CaFile = folder.File("key.pem") })).Message.ShouldContain("has no certificate");
    }

    [Fact]
    public async Task A_write_whose_answer_is_lost_has_created_the_blob()
    {
        var server = await Fixture.RequireAsync();
        await using var proxy = new S3Proxy(server.Endpoint);
        var lost = proxy.Fail(S3Fault.LoseAnswer, r => r.Call == S3Call.Put, times: 1);

        // The store trusts the server, so its first call is the write itself; the second one is refused, because the first has succeeded.
        var store = await OpenAsync(o => o with { Endpoint = proxy.Endpoint, Capabilities = S3Capabilities.Unknown with { CreateOnly = true } });
        await using var writer = (await store.OpenWriteAsync(Blobs.Key("k"), new PutOptions(), Cancel)).Value.ShouldNotBeNull();
        await writer.WriteAsync(Blobs.Bytes(5000), Cancel);

        var receipt = (await writer.CommitAsync(Cancel)).Value.ShouldNotBeNull();

        lost.Hits.ShouldBe(1);
        receipt.Effect.ShouldBe(PutEffect.Created);
        (await store.GetAsync(Blobs.Key("k"))).Metadata.Generation.ShouldBe(receipt.Metadata.Generation);
    }

    [Fact]
    public async Task A_read_goes_on_over_connections_that_break()
    {
        var server = await Fixture.RequireAsync();
        await using var proxy = new S3Proxy(server.Endpoint);
        var cut = proxy.Fail(S3Fault.CutAfter(1_000_000), r => r.Call == S3Call.Get, times: 1);
        var store = await OpenAsync(o => o with { Endpoint = proxy.Endpoint });
        var content = Blobs.Bytes(3 << 20);
        await store.PutAsync(Blobs.Key("k"), content);

        (await store.GetAsync(Blobs.Key("k"))).Content.AsSpan().SequenceEqual(content).ShouldBeTrue();

        cut.Hits.ShouldBe(1);
        proxy.Requests.Last().Head["Range"].ShouldBe("bytes=1000000-");
    }

    private static S3Store Open(Uri endpoint, Func<S3StoreOptions, S3StoreOptions>? change = null)
    {
        var options = new S3StoreOptions { Endpoint = endpoint, Bucket = "bucket", PathStyle = true, AccessKey = "a", SecretKey = "b", Timeout = TimeSpan.FromSeconds(10) };
        return S3Store.Open(change is null ? options : change(options), TimeProvider.System, NullLogger.Instance);
    }
}
