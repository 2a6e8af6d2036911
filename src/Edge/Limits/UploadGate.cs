namespace EdgeCache.Edge.Limits;

/// <summary>Counts what goes on at one time: PUTs, of all clients and of each; and work that takes long.</summary>
internal sealed class UploadGate
{
    private static readonly Quota Uploads = new() { Name = "uploads" };

    // Protects both counts. No other lock is taken while it is held. There are never more clients than uploads.
    private readonly Lock _counting = new();
    private readonly Dictionary<ulong, int> _clients = [];
    private int _all;

    /// <summary>Begins an upload if there may be one more.</summary>
    /// <param name="client">Whose it is.</param>
    /// <param name="most">Uploads of all clients at one time; 0 is no limit.</param>
    /// <param name="mostOfClient">Uploads of one client at one time; 0 is no limit.</param>
    /// <returns>Refused when there are as many as there may be.</returns>
    public Verdict Enter(ulong client, int most, int mostOfClient)
    {
        lock (_counting)
        {
            var own = _clients.GetValueOrDefault(client);
            if (most > 0 && _all >= most)
                return Refused(most);
            if (mostOfClient > 0 && own >= mostOfClient)
                return Refused(mostOfClient);
            _all++;
            _clients[client] = own + 1;
            return Verdict.Admitted;
        }
    }

    public void Leave(ulong client)
    {
        lock (_counting)
        {
            _all--;
            if (_clients[client] == 1)
                _clients.Remove(client);
            else
                _clients[client]--;
        }
    }

    /// <summary>When one of them ends is not known; a second is soon enough to ask again.</summary>
    private static Verdict Refused(int most) => Verdict.Refused(new Quota { Name = Uploads.Name, Burst = most }, LimitUnit.Concurrent, 1_000_000_000);
}
