using EdgeCache.Edge.Configuration;

namespace EdgeCache.Edge.Access;

/// <summary>Finds out who makes a request: asks every reader of credentials, and knows what somebody without any may do.</summary>
internal sealed class Authenticator(IEnumerable<ICredentialReader> readers, TokenReader tokens, LiveSettings settings)
{
    private readonly ICredentialReader[] _readers = [.. readers];

    /// <summary>Who comes without credentials; null where they are needed for everything.</summary>
    public Principal? Anonymous =>
        !tokens.AreRequired ? Principal.Anonymous : settings.Current.Options.Access.AnonymousRead ? Principal.AnonymousReader : null;

    /// <summary>Who makes the request. The answer without a principal that is not refused is somebody who must say first who they are.</summary>
    public CredentialAnswer Identify(HttpContext context)
    {
        foreach (var reader in _readers)
        {
            var answer = reader.Read(context);
            if (answer != CredentialAnswer.None)
                return answer;
        }
        return Anonymous is { } anonymous ? CredentialAnswer.Of(anonymous) : CredentialAnswer.None;
    }
}
