using System.Buffers.Binary;
using System.Globalization;
using System.IO.MemoryMappedFiles;
using System.Security.Cryptography;
using EdgeCache.TestKit;

namespace EdgeCache.Codecs.Tests.Fuzzing;

/// <summary>
/// Structure-aware fuzzing of framing, table and decoders: a minute in the suite, and for as long as one likes with <c>EDGECACHE_FUZZ_SECONDS</c>. What is found is written to
/// <c>tests/Codecs.Tests/Fuzzing/Cases</c>, and is a test from then on.
/// </summary>
public sealed class FuzzTests(ITestOutputHelper output)
{
    private const int DefaultSeconds = 60;
    private const int MaxCase = 4 << 20;
    private static readonly string Folder = Repository.Path("tests/Codecs.Tests/Fuzzing/Cases");

    [Fact]
    public void Whatever_was_found_before_is_an_outcome_now()
    {
        var targets = new Targets();
        foreach (var file in Directory.EnumerateFiles(Folder, "*.bin"))
            targets.Run(File.ReadAllBytes(file));
    }

    [Fact]
    public void Whatever_comes_in_is_an_outcome()
    {
        var seconds = int.Parse(Environment.GetEnvironmentVariable("EDGECACHE_FUZZ_SECONDS") ?? $"{DefaultSeconds}", CultureInfo.InvariantCulture);
        var seed = RandomNumberGenerator.GetInt32(int.MaxValue);
        output.WriteLine($"seed {seed}, {seconds} s");
        var (mutator, targets) = (new Mutator(seed), new Targets());
        var began = TimeProvider.System.GetTimestamp();
        var runs = 0L;
        using var current = new CurrentCase(Path.Combine(Path.GetTempPath(), "edgecache-fuzz-current.bin"));
        while (TimeProvider.System.GetElapsedTime(began).TotalSeconds < seconds)
        {
            var input = Next(mutator);
            current.Set(input);
            try
            {
                targets.Run(input);
            }
            catch (Exception error)
            {
                var path = Path.Combine(Folder, $"{Convert.ToHexStringLower(SHA256.HashData(input))[..16]}.bin");
                File.WriteAllBytes(path, input);
                throw new InvalidOperationException($"After {runs} cases, seed {seed}: {path}", error);
            }
            if (++runs % 1_000_000 == 0)
                output.WriteLine($"{runs} cases");
        }
        output.WriteLine($"{runs} cases");
        runs.ShouldBeGreaterThan(seconds);
    }

    private static byte[] Next(Mutator mutator)
    {
        var target = (byte)mutator.Random.Next(3);
        byte[] body;
        if (target == 2)
        {
            var (table, content, payload) = mutator.NextTable();
            body = new byte[2 * sizeof(long)];
            BinaryPrimitives.WriteInt64LittleEndian(body, content);
            BinaryPrimitives.WriteInt64LittleEndian(body.AsSpan(sizeof(long)), payload);
            body = [.. body, .. table];
        }
        else
        {
            body = target == 0 ? mutator.NextZstd() : mutator.NextLz4();
        }
        // In the smallest steps headers come in pieces; of what is long that takes too many calls.
        return [target, (byte)mutator.Random.Next(body.Length < 1024 ? 0 : 4, 20), .. body];
    }

    /// <summary>The case that is being run, in a file that outlives a process that a native fault kills.</summary>
    private sealed class CurrentCase : IDisposable
    {
        private readonly MemoryMappedFile _file;
        private readonly MemoryMappedViewAccessor _view;

        public CurrentCase(string path)
        {
            _file = MemoryMappedFile.CreateFromFile(path, FileMode.Create, null, MaxCase);
            _view = _file.CreateViewAccessor();
        }

        public void Set(byte[] input)
        {
            var length = Math.Min(input.Length, MaxCase - sizeof(int));
            _view.Write(0, length);
            _view.WriteArray(sizeof(int), input, 0, length);
        }

        public void Dispose()
        {
            _view.Dispose();
            _file.Dispose();
        }
    }
}
