using EdgeCache.Codecs.Choosing;

namespace EdgeCache.Edge.Compression;

/// <summary>How compression on the wire comes into the node.</summary>
internal static class CompressionSetup
{
    public static void AddCompression(this IServiceCollection services)
    {
        services.AddSingleton<NodeCodecs>();
        services.AddSingleton<ICpuPressure>(s => ProcessCpuPressure.OfThisProcess(s.GetRequiredService<TimeProvider>()));
        services.AddSingleton<ResponseCodings>();
        services.AddSingleton<UploadCodings>();
    }
}
