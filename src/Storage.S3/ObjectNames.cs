namespace EdgeCache.Storage.S3;

/// <summary>
/// Names of objects: <c>prefix namespace / key</c>, or <c>prefix namespace /(tenant)/ key</c>. Parentheses are in no key, so a tenant's objects can't be reached by a key without a
/// tenant; and they sort before every character of a key and of a tenant, so a server lists objects in the order of (tenant, key).
/// </summary>
internal sealed class ObjectNames(string prefix)
{
    public string Of(BlobKey key) => key.Tenant.Length == 0 ? $"{prefix}{key.Namespace}/{key.Key}" : $"{prefix}{key.Namespace}/({key.Tenant})/{key.Key}";

    /// <summary>How the names begin of what a listing is about, and after which name it begins.</summary>
    public IEnumerable<(string Prefix, string? After)> Ranges(BlobPrefix blobs)
    {
        var space = $"{prefix}{blobs.Namespace}/";
        if (blobs.Tenant is not { } tenant)
        {
            // Those without a tenant come first in our order and last in the server's.
            yield return (space + blobs.KeyPrefix, blobs.KeyPrefix.Length == 0 ? $"{space})" : null);
            yield return ($"{space}(", null);
        }
        else
        {
            yield return tenant.Length == 0
                ? (space + blobs.KeyPrefix, blobs.KeyPrefix.Length == 0 ? $"{space})" : null)
                : ($"{space}({tenant})/{blobs.KeyPrefix}", null);
        }
    }

    /// <summary>The key of an object; null for an object that no key names, which others may well have put there.</summary>
    public BlobKey? Parse(string @namespace, string name)
    {
        var rest = name[(prefix.Length + @namespace.Length + 1)..];
        var tenant = "";
        if (rest.StartsWith('('))
        {
            var end = rest.IndexOf(")/", StringComparison.Ordinal);
            if (end < 2)
                return null;
            tenant = rest[1..end];
            rest = rest[(end + 2)..];
        }
        return BlobKey.TryCreate(@namespace, tenant, rest, allowSlash: true, out var key) is null ? key : null;
    }
}
