using EdgeCache.Codecs.Choosing;

namespace EdgeCache.TestKit;

/// <summary>Processors that have nothing else to do, however busy the machine is: what is compressed must not depend on the other tests.</summary>
public sealed class Idle : ICpuPressure
{
    public double Current => 0;
}
