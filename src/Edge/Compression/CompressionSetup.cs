using EdgeCache.Codecs.Choosing;
using Microsoft.AspNetCore.ResponseCompression;

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

        // Only routes that ask for it by name are compressed, so the operator has decided that also for TLS.
        services.AddSingleton<IResponseCompressionProvider, RouteCodings>();
        services.AddResponseCompression(o => o.EnableForHttps = true);
    }
}
