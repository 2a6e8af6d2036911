using System.Net.Mime;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace EdgeCache.Edge.Admin;

/// <summary>Reads and writes the JSON of an admin's call.</summary>
internal static class JsonAnswer
{
    public static async Task WriteAsync<T>(HttpContext context, int status, T value, JsonTypeInfo<T> type)
    {
        var content = JsonSerializer.SerializeToUtf8Bytes(value, type);
        context.Response.StatusCode = status;
        context.Response.ContentType = MediaTypeNames.Application.Json;
        context.Response.ContentLength = content.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
            await context.Response.Body.WriteAsync(content, context.RequestAborted);
    }

    /// <summary>Reads the body of a call, of at most so many bytes.</summary>
    /// <exception cref="JsonException">It is not what it should be, or too long; the message says which.</exception>
    public static async Task<T?> ReadAsync<T>(HttpContext context, int maxLength, JsonTypeInfo<T> type)
    {
        var body = context.Request.BodyReader;
        while (true)
        {
            var result = await body.ReadAsync(CancellationToken.None);
            if (result.Buffer.Length > maxLength)
                throw new JsonException($"It has more than {maxLength} bytes.");
            if (!result.IsCompleted)
            {
                body.AdvanceTo(result.Buffer.Start, result.Buffer.End);
                continue;
            }
            var reader = new Utf8JsonReader(result.Buffer, isFinalBlock: true, default);
            var value = JsonSerializer.Deserialize(ref reader, type);
            body.AdvanceTo(result.Buffer.End);
            return value;
        }
    }
}
