using System.Collections.Concurrent;

namespace EdgeCache.Codecs.Choosing;

/// <summary>What compressing has gained lately, by namespace. Bounded: namespaces beyond the first so many are not remembered.</summary>
internal sealed class NamespaceHistory
{
    public const int MaxNamespaces = 256;

    /// <summary>Blobs before what was seen of them says anything.</summary>
    private const int MinBlobs = 16;

    /// <summary>Of so many blobs of a namespace in which nothing shrinks, one is looked at all the same: what is stored may change.</summary>
    private const int ProbeEvery = 32;

    /// <summary>How much of the average is the latest blob.</summary>
    private const double Weight = 1.0 / 16;

    private readonly ConcurrentDictionary<string, Track> _tracks = new(StringComparer.Ordinal);

    /// <summary>Notes of one blob that was looked at by how much it shrank.</summary>
    public void Note(string name, double ratio)
    {
        if (!_tracks.TryGetValue(name, out var track))
        {
            if (_tracks.Count >= MaxNamespaces)
                return;
            track = _tracks.GetOrAdd(name, static _ => new Track());
        }
        lock (track)
        {
            track.Ratio += (ratio - track.Ratio) * Math.Max(Weight, 1.0 / (track.Blobs + 1));
            track.Blobs++;
        }
    }

    /// <summary>Whether to look at this blob at all. Each blob of a namespace asks once.</summary>
    public bool IsWorthALook(string name, double worstRatio)
    {
        if (!_tracks.TryGetValue(name, out var track))
            return true;
        lock (track)
            return track.Blobs < MinBlobs || track.Ratio < worstRatio || track.Passed++ % ProbeEvery == ProbeEvery - 1;
    }

    /// <summary>Locked by itself, for an instant.</summary>
    private sealed class Track
    {
        public int Blobs;
        public int Passed;
        public double Ratio;
    }
}
