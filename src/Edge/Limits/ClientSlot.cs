namespace EdgeCache.Edge.Limits;

/// <summary>What is kept in mind of one client: 48 bytes. All zero is somebody nothing is known of. Each field is changed by itself, in one step.</summary>
internal struct ClientSlot
{
    /// <summary>Who it is; 0 for nobody.</summary>
    public ulong Id;

    /// <summary>The bucket of its requests (<see cref="Gcra"/>).</summary>
    public long Requests;

    /// <summary>The bucket of its tries at credentials.</summary>
    public long Attempts;

    /// <summary>The bucket of its bytes.</summary>
    public long Bytes;

    /// <summary>Its conduct (<see cref="Limits.Demerits"/>).</summary>
    public long Demerits;

    /// <summary>A number for the last credentials of it that were wrong.</summary>
    public ulong LastWrong;
}
