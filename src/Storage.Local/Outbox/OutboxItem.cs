using EdgeCache.Storage.Tiering;

namespace EdgeCache.Storage.Local.Outbox;

/// <summary>An entry as it is kept: waiting, or parked with a reason.</summary>
internal sealed record OutboxItem(OutboxEntry Entry, string? Reason)
{
    public bool IsParked => Reason is not null;
}
