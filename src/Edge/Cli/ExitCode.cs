namespace EdgeCache.Edge.Cli;

/// <summary>What the process tells its caller.</summary>
internal static class ExitCode
{
    public const int Success = 0;

    /// <summary>The node could not start: port in use, store not usable.</summary>
    public const int Failure = 1;

    /// <summary>The command line or the configuration is wrong; another try without a change is of no use.</summary>
    public const int Usage = 2;

    /// <summary>A scrub found damage.</summary>
    public const int Damage = 1;

    /// <summary>A scrub could not be done, or not to its end: the folder is in use, can't be read, or it was stopped.</summary>
    public const int NotDone = 3;
}
