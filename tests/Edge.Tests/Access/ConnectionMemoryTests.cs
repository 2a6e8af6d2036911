using EdgeCache.Edge.Access;

namespace EdgeCache.Edge.Tests.Access;

public sealed class ConnectionMemoryTests
{
    private static readonly object Table = new();
    private static readonly Principal Somebody = new("somebody");

    [Fact]
    public void The_last_header_is_known_for_the_table_that_it_was_looked_up_in()
    {
        var memory = new ConnectionMemory();
        memory.Recall(Table, "Bearer abc", out _).ShouldBe(Recollection.New);
        memory.Remember(Table, "Bearer abc", Somebody);
        memory.Recall(Table, "Bearer abc", out var principal).ShouldBe(Recollection.Good);
        principal.ShouldBe(Somebody);
        memory.Recall(new object(), "Bearer abc", out principal).ShouldBe(Recollection.New);
        principal.ShouldBeNull();
        memory.Remember(Table, "Bearer xyz", null);
        memory.Recall(Table, "Bearer xyz", out _).ShouldBe(Recollection.Bad);
        memory.Recall(Table, "Bearer abc", out _).ShouldBe(Recollection.New);
    }

    [Fact]
    public void Only_the_very_same_header_is_known_also_as_another_text()
    {
        var memory = new ConnectionMemory();
        for (var length = 1; length < 40; length++)
        {
            var header = new string('a', length);
            memory.Remember(Table, header, Somebody);
            memory.Recall(Table, new string(header.AsSpan()), out _).ShouldBe(Recollection.Good);
            memory.Recall(Table, header + "a", out _).ShouldBe(Recollection.New);
            for (var i = 0; i < length; i++)
            {
                var other = header.ToCharArray();
                other[i] = (char)('a' + 0x100);
                memory.Recall(Table, new string(other), out _).ShouldBe(Recollection.New, $"{i} of {length}");
            }
        }
    }
}
