namespace EdgeCache.Edge.Limits;

/// <summary>How much somebody may ask for. 0 is no limit.</summary>
/// <param name="RequestsPerSecond">Requests a second in the long run.</param>
/// <param name="Burst">Requests at once, by somebody who was idle; 0 is one second's worth.</param>
/// <param name="BytesPerSecond">Content bytes a second, both ways together, in the long run.</param>
internal sealed record Rate(int RequestsPerSecond, int Burst, long BytesPerSecond);
