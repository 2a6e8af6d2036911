using EdgeCache.TestKit;

[assembly: AssemblyFixture(typeof(S3Fixture))]
