namespace EdgeCache.Storage.S3.Coding;

/// <summary>An object is in a form that this node can't read; the message says why, for the operator.</summary>
internal sealed class CodingException(string message) : IOException(message);
