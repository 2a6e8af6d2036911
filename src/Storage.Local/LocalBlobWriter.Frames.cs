using System.Buffers;
using EdgeCache.Codecs.Choosing;
using EdgeCache.Storage.Local.Compressing;
using EdgeCache.Storage.Local.Format;
using EdgeCache.Storage.Local.Segments;

namespace EdgeCache.Storage.Local;

/// <content>How content becomes frames: gathered until there is enough for one, judged by the first, compressed on the writer's thread.</content>
internal sealed partial class LocalBlobWriter
{
    private void Gather(ReadOnlySpan<byte> content, ReadOnlySpan<byte> frame)
    {
        Account(content);
        while (content.Length > 0)
        {
            if (_stage is not { } stage)
            {
                // It has just turned out not to be worth it.
                AppendPayload(content, isContent: false);
                return;
            }
            if (stage.IsFull)
            {
                WriteFrame(isLast: false);
                continue;
            }
            lock (_tail)
            {
                var taken = stage.Take(content, frame);
                content = content[taken..];
            }
            frame = default;
        }
    }

    /// <summary>Makes a frame of what has been gathered; of the first it depends whether there are to be frames at all.</summary>
    private void WriteFrame(bool isLast)
    {
        var stage = _stage!;
        if (!stage.IsDecided)
            _choice = stage.Choose(_draft.Key.Namespace);
        if (!stage.IsDecided && _choice.Method == CompressionMethod.Identity)
        {
            Undo(stage);
            return;
        }
        var room = ArrayPool<byte>.Shared.Rent(stage.FrameRoom);
        try
        {
            var length = stage.Compress(room, ref _choice);
            if (!stage.IsDecided && _choice.Method == CompressionMethod.Identity)
            {
                Undo(stage);
                return;
            }
            if (!stage.IsDecided)
                BeginFrames(stage);
            stage.AddToDigest(room.AsSpan(0, length));
            AppendPayload(room.AsSpan(0, length), isContent: false);
            lock (_tail)
                stage.EndFrame(length, isLast);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(room);
        }
    }

    /// <summary>The header is longer with a coding. Nothing is behind it yet.</summary>
    private void BeginFrames(FrameStage stage)
    {
        stage.IsDecided = true;
        _draft = FrameStage.Coded(_draft);
        lock (_tail)
        {
            _headerLength = BlobHeader.Measure(_draft);
            _buffered = RecordFormat.HeaderLength + _headerLength;
        }
    }

    /// <summary>What was gathered is stored as it is, and what comes after it too.</summary>
    private void Undo(FrameStage stage)
    {
        AppendPayload(stage.Gathered, isContent: false);
        lock (_tail)
            _stage = null;
        stage.Dispose();
    }

    /// <summary>The last frame, and the table.</summary>
    private StoreStatus EndFrames()
    {
        if (_isEnded)
            return StoreStatus.Ok;
        try
        {
            if (_stage is { } stage && (stage.GatheredLength > 0 || !stage.IsDecided))
                WriteFrame(isLast: true);
            if (_stage is { } coded)
                WriteTable(coded);
            _isEnded = true;
            _store.Compression.Chooser.Note(_draft.Key.Namespace, _choice, Length, _payloadLength);
            return StoreStatus.Ok;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return _refused = _store.OnWriteFault(error);
        }
    }

    private void WriteTable(FrameStage stage)
    {
        var length = stage.TableLength;
        var table = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            stage.WriteTable(table.AsSpan(0, length));
            stage.AddToDigest(table.AsSpan(0, length));
            AppendPayload(table.AsSpan(0, length), isContent: false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(table);
        }
        stage.End();
    }
}
