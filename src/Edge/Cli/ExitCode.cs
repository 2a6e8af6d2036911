namespace EdgeCache.Edge.Cli;

/// <summary>What the process tells its caller.</summary>
internal static class ExitCode
{
    public const int Success = 0;

    /// <summary>The node could not start: port in use, store not usable.</summary>
    public const int Failure = 1;

    /// <summary>The command line or the configuration is wrong; another try without a change is of no use.</summary>
    public const int Usage = 2;
}
