namespace EdgeCache.Edge.Configuration;

/// <summary>What the loader has to know of an option beside its name and type. Kept at the property, so that an option is added in one place.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class SettingAttribute : Attribute
{
    /// <summary>The end of the <c>BUILDER_CACHE_SERVER_…</c> variable that sets the option too.</summary>
    public string? Alias { get; init; }

    /// <summary>Smallest value, written as a user would write it.</summary>
    public string? Min { get; init; }

    /// <summary>Largest value, written as a user would write it.</summary>
    public string? Max { get; init; }

    /// <summary>Whether a reload leaves the option as it is.</summary>
    public bool NeedsRestart { get; init; }

    /// <summary>Whether the value must never be shown.</summary>
    public bool Secret { get; init; }

    /// <summary>Whether the value is a file or folder; a relative one is relative to the current directory.</summary>
    public bool IsPath { get; init; }
}
