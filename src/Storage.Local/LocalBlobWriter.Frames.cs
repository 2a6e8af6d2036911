using System.Buffers;
using EdgeCache.Codecs.Choosing;
using EdgeCache.Storage.Local.Compressing;
using EdgeCache.Storage.Local.Format;
using EdgeCache.Storage.Local.Segments;

namespace EdgeCache.Storage.Local;

/// <content>How content becomes frames: gathered until there is enough for one, judged by the first; that and the last are compressed on the writer's thread, those between beside it.</content>
internal sealed partial class LocalBlobWriter
{
    /// <summary>A writer that stores a blob in another form: compressed, where it is as it came.</summary>
    /// <param name="store">The store.</param>
    /// <param name="stored">The blob as it is stored.</param>
    /// <param name="isPossible">Whether it can be compressed now; the writer is to be disposed of otherwise.</param>
    public static LocalBlobWriter ToRewrite(LocalStore store, BlobMetadata stored, out bool isPossible)
    {
        var options = PutOptions.CopyOf(stored) with { Replace = true };
        var writer = new LocalBlobWriter(store, options.Draft(stored.Key, stored.Created), options, stored);
        isPossible = writer._choice.Reason != CompressionReason.Busy;
        return writer;
    }

    private void Gather(ReadOnlySpan<byte> content, ReadOnlySpan<byte> frame)
    {
        if (!_stage!.IsShort)
            _content.Append(content);
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
                TurnFrame(stage);
                continue;
            }
            int taken;
            lock (_tail)
                taken = stage.Take(content, frame);
            if (stage.IsWrittenAhead)
                AppendPayload(content[..taken], isContent: false);
            content = content[taken..];
            frame = default;
            if (stage.Look(_draft.Key.Namespace) is { } choice)
            {
                _choice = choice;
                Undo(stage, isWritten: false);
            }
            else if (stage.IsWrittenAhead && _payloadLength == 0)
            {
                AppendPayload(stage.Gathered, isContent: false);
            }
        }
    }

    /// <summary>A frame's content is here: of a blob whose first frame has decided, the frame is made while the next one's content is gathered.</summary>
    private void TurnFrame(FrameStage stage)
    {
        WriteTurned(stage);
        if (!stage.IsDecided || stage.HasReceivedFrame)
        {
            WriteFrame(isLast: false);
            return;
        }
        lock (_tail)
            stage.Turn();
    }

    private void WriteTurned(FrameStage stage)
    {
        if (stage.TurnedLength == 0)
            return;
        var frame = stage.TakeTurned();
        stage.AddToDigest(frame);
        AppendPayload(frame, isContent: false);
        lock (_tail)
            stage.EndTurned();
    }

    /// <summary>Makes a frame of what has been gathered; of the first it depends whether there are to be frames at all.</summary>
    private void WriteFrame(bool isLast)
    {
        var stage = _stage!;
        if (!stage.IsDecided)
            _choice = stage.Choose(_draft.Key.Namespace);
        if (!stage.IsDecided && _choice.Method == CompressionMethod.Identity)
        {
            Undo(stage, stage.IsWrittenAhead);
            return;
        }
        var room = ArrayPool<byte>.Shared.Rent(stage.FrameRoom);
        try
        {
            var length = stage.Compress(room, ref _choice);
            if (!stage.IsDecided && _choice.Method == CompressionMethod.Identity)
            {
                Undo(stage, stage.IsWrittenAhead);
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

    /// <summary>The header is longer with a coding. What may be behind it already was written on the chance that it would stay as it is.</summary>
    private void BeginFrames(FrameStage stage)
    {
        stage.IsDecided = true;
        stage.EndAhead();
        _draft = FrameStage.Coded(_draft);
        var (file, path) = (_file, _path);
        lock (_tail)
        {
            _headerLength = BlobHeader.Measure(_draft);
            _buffered = _digestedTo = RecordFormat.HeaderLength + _headerLength;
            (_file, _path, _fileLength, _payloadLength) = (null, null, 0, 0);
            _writingBack = 0;
        }
        file?.Dispose();
        if (path is not null)
            _store.RemoveTemporary(path);
    }

    /// <summary>What was gathered is stored as it is, and what comes after it too.</summary>
    private void Undo(FrameStage stage, bool isWritten)
    {
        if (!isWritten)
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
            if (_stage is { } stage)
            {
                WriteTurned(stage);
                if (stage.GatheredLength > 0 || !stage.IsDecided)
                    WriteFrame(isLast: true);
            }
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
