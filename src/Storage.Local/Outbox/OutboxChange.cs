namespace EdgeCache.Storage.Local.Outbox;

/// <summary>What one caller wants to be changed.</summary>
internal abstract class OutboxChange
{
    /// <summary>Adds it to a transaction.</summary>
    public abstract void Plan(OutboxPlan plan);

    /// <summary>The transaction is on disk.</summary>
    public abstract void Complete();

    /// <summary>It is not known to be.</summary>
    public abstract void Fail(Exception error);
}

/// <inheritdoc/>
/// <typeparam name="T">What the caller is told.</typeparam>
internal sealed class OutboxChange<T>(Func<OutboxPlan, T> plan) : OutboxChange
{
    private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T? _answer;

    public Task<T> Done => _done.Task;

    public override void Plan(OutboxPlan draft) => _answer = plan(draft);

    public override void Complete() => _done.TrySetResult(_answer!);

    public override void Fail(Exception error) => _done.TrySetException(error);
}
