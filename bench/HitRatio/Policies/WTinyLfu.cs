using EdgeCache.Bench.HitRatio.Traces;

namespace EdgeCache.Bench.HitRatio.Policies;

/// <summary>
/// W-TinyLFU: a window of 1 % in LRU order; whoever leaves it enters the main part only if a sketch has seen it more often than the
/// victim there. Main is a segmented LRU, 80 % of it for blobs read again. Simplified: no doorkeeper, and the window does not adapt.
/// </summary>
internal sealed class WTinyLfu(Trace trace, long capacity) : Policy(trace, capacity)
{
    private readonly BlobList _window = new(trace);
    private readonly BlobList _probation = new(trace);
    private readonly BlobList _protected = new(trace);
    private readonly Place[] _places = new Place[trace.Blobs];
    private readonly FrequencySketch _sketch = new(trace.EntriesIn(capacity));
    private readonly long _windowBytes = capacity / 100;
    private readonly long _mainBytes = capacity - (capacity / 100);

    private enum Place : byte
    {
        Window,
        Probation,
        Protected,
    }

    protected override long Limit => _mainBytes;

    protected override void OnRequest(int id) => _sketch.Count(id);

    protected override void OnHit(int id)
    {
        switch (_places[id])
        {
            case Place.Window:
                _window.MoveToNewest(id);
                break;
            case Place.Protected:
                _protected.MoveToNewest(id);
                break;
            default:
                Protect(id);
                break;
        }
    }

    protected override void OnMiss(int id)
    {
        if (SizeOf(id) > _windowBytes)
        {
            // Too large for the window: it must win against the main part at once.
            if (MakeRoomInMain(id))
            {
                Put(_probation, Place.Probation, id);
                Keep(id);
            }

            return;
        }

        while (_window.Bytes + SizeOf(id) > _windowBytes)
        {
            LeaveWindow();
        }

        Put(_window, Place.Window, id);
        Keep(id);
    }

    private void LeaveWindow()
    {
        var candidate = _window.RemoveOldest();
        if (MakeRoomInMain(candidate))
        {
            Put(_probation, Place.Probation, candidate);
        }
        else
        {
            Evict(candidate);
        }
    }

    /// <summary>False if the candidate lost. Victims it had beaten before are gone all the same.</summary>
    private bool MakeRoomInMain(int candidate)
    {
        while (_probation.Bytes + _protected.Bytes + SizeOf(candidate) > _mainBytes)
        {
            var list = _probation.IsEmpty ? _protected : _probation;
            if (_sketch.Estimate(candidate) <= _sketch.Estimate(list.Oldest))
            {
                return false;
            }

            Evict(list.RemoveOldest());
        }

        return true;
    }

    private void Protect(int id)
    {
        _probation.Remove(id);
        Put(_protected, Place.Protected, id);
        while (_protected.Bytes > 0.8 * _mainBytes && _protected.Oldest != id)
        {
            Put(_probation, Place.Probation, _protected.RemoveOldest());
        }
    }

    private void Put(BlobList list, Place place, int id)
    {
        _places[id] = place;
        list.AddNewest(id);
    }
}
