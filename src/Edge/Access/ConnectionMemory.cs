using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Connections;

namespace EdgeCache.Edge.Access;

/// <summary>How the credentials of a request stand to the last ones that were looked at on its connection.</summary>
internal enum Recollection
{
    /// <summary>They have not been looked at.</summary>
    New,

    /// <summary>They were good.</summary>
    Good,

    /// <summary>They were wrong. Sending them again is no new guess.</summary>
    Bad,
}

/// <summary>
/// The last credentials of a connection and who that was. Clients send the same header with every request, and looking at it once is enough. What is remembered
/// counts for one table of tokens only: any change of the tokens ends it.
/// </summary>
internal sealed class ConnectionMemory
{
    // Replaced as a whole: the requests of an HTTP/2 connection run at the same time.
    private volatile Entry? _last;

    /// <summary>Gives every connection a memory.</summary>
    public static ConnectionDelegate Attach(ConnectionDelegate next) => connection =>
    {
        connection.Features.Set(new ConnectionMemory());
        return next(connection);
    };

    public void Remember(object table, string header, Principal? principal) => _last = new Entry(table, header, principal);

    /// <summary>Whether this header was looked at last, with this table, and who it was then.</summary>
    public Recollection Recall(object table, string header, out Principal? principal)
    {
        principal = null;
        if (_last is not { } last || !ReferenceEquals(last.Table, table) || !IsSame(last.Header, header))
            return Recollection.New;
        principal = last.Principal;
        return principal is null ? Recollection.Bad : Recollection.Good;
    }

    /// <summary>The server hands out the same text for a header that comes again. Where it does not, the time of comparing tells nothing but the length.</summary>
    private static bool IsSame(string remembered, string header)
    {
        if (ReferenceEquals(remembered, header))
            return true;
        if (remembered.Length != header.Length)
            return false;
        var one = MemoryMarshal.AsBytes(remembered.AsSpan());
        var other = MemoryMarshal.AsBytes(header.AsSpan());
        var words = one.Length / sizeof(ulong);
        var difference = 0UL;
        var oneWords = MemoryMarshal.Cast<byte, ulong>(one);
        var otherWords = MemoryMarshal.Cast<byte, ulong>(other);
        for (var i = 0; i < words; i++)
            difference |= oneWords[i] ^ otherWords[i];
        for (var i = words * sizeof(ulong); i < one.Length; i++)
            difference |= (uint)(one[i] ^ other[i]);
        return difference == 0;
    }

    private sealed record Entry(object Table, string Header, Principal? Principal);
}
