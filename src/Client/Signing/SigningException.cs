namespace EdgeCache.Client.Signing;

/// <summary>What is asked for can't be signed. The message says why, in a sentence for whoever asked; there is never a secret in it.</summary>
public sealed class SigningException : Exception
{
    /// <summary>Makes one.</summary>
    /// <param name="message">Why.</param>
    public SigningException(string message)
        : base(message)
    {
    }
}
