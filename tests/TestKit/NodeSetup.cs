namespace EdgeCache.TestKit;

/// <summary>How to start a node.</summary>
public sealed record NodeSetup
{
    /// <summary>What comes after the program's name, as it is; the port is added unless <see cref="OwnPort"/> is set.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>A program, with its arguments, that becomes the node: the process stays the same, as with <c>strace -D</c>. None if empty.</summary>
    public IReadOnlyList<string> Wrapper { get; init; } = [];

    /// <summary>Variables on top of a clean environment.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Content of the file for <c>--config</c>; none if null. <see cref="NodeProcess.ConfigFile"/> says where it is.</summary>
    public string? Config { get; init; }

    /// <summary>The folder of the store; one of the process's own if null. Not set where <see cref="OwnStorage"/> is.</summary>
    public string? Storage { get; init; }

    /// <summary>The test says itself on which port to listen. Otherwise the system chooses one.</summary>
    public bool OwnPort { get; init; }

    /// <summary>The test says itself where the store is, or lets the node choose.</summary>
    public bool OwnStorage { get; init; }

    /// <summary>The certificate (PEM) that the fixture's own client trusts besides those of the system; none if null.</summary>
    public string? Trust { get; init; }

    /// <summary>How long a start may take, on a machine that does other things too.</summary>
    public TimeSpan StartLimit { get; init; } = TimeSpan.FromSeconds(60);
}
