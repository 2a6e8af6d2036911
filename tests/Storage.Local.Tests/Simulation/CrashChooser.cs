namespace EdgeCache.Storage.Local.Tests.Simulation;

/// <summary>Chooses which combinations of kept, lost and torn changes are tried: every one when there are few, else the telling ones first.</summary>
internal static class CrashChooser
{
    /// <summary>A write of more parts is not tried in every combination of them.</summary>
    private const int MaxPartsForAll = 10;

    /// <summary>Random choices often repeat what has been seen; so many tries for each state wanted.</summary>
    private const int TriesPerState = 3;

    /// <summary>The caller drops what is equal and takes as many as it wants. Seeded are those that chance chose.</summary>
    public static IEnumerable<(CrashChoice[] Choices, bool IsSeeded)> Choose(IReadOnlyList<CrashUnit> units, int maxStates, int seed)
    {
        // In double, because the product soon leaves every integer.
        if (units.Aggregate(1.0, (product, unit) => product * CountOf(unit)) <= maxStates)
            return Every(units).Select(choices => (choices, false));
        var random = new Random(seed);
        return Extremes(units).Concat(Torn(units)).Concat(Singles(units, random)).Select(choices => (choices, false))
            .Concat(Random(units, random, maxStates).Select(choices => (choices, true)));
    }

    private static double CountOf(CrashUnit unit) => unit.Parts > MaxPartsForAll ? double.PositiveInfinity : Math.Pow(2, unit.Parts) * (unit.Grows ? 2 : 1);

    private static IEnumerable<CrashChoice[]> Every(IReadOnlyList<CrashUnit> units)
    {
        IEnumerable<CrashChoice[]> all = [[]];
        return units.Aggregate(all, (sofar, unit) => sofar.SelectMany(choices => Variants(unit).Select(choice => choices.Append(choice).ToArray())));
    }

    private static IEnumerable<CrashChoice> Variants(CrashUnit unit)
    {
        for (var mask = 0; mask < 1 << unit.Parts; mask++)
        {
            var parts = mask;
            yield return CrashChoice.Torn(unit, i => (parts & (1 << i)) != 0);
            if (unit.Grows)
                yield return CrashChoice.Torn(unit, i => (parts & (1 << i)) != 0, length: true);
        }
    }

    private static IEnumerable<CrashChoice[]> Extremes(IReadOnlyList<CrashUnit> units)
    {
        yield return All(units, CrashChoice.Lost);
        yield return All(units, CrashChoice.Kept);
        yield return All(units, unit => unit.Name is not null ? CrashChoice.Kept(unit) : CrashChoice.Lost(unit));
        yield return All(units, unit => unit.Name is null ? CrashChoice.Kept(unit) : CrashChoice.Lost(unit));
        yield return All(units, unit => unit.Name is not null ? CrashChoice.Kept(unit) : CrashChoice.Zeros(unit));
        // Late before early, which nobody who thinks of order expects.
        for (var part = 1; part < 4; part++)
        {
            var from = units.Count * part / 4;
            yield return [.. units.Select((unit, i) => i >= from ? CrashChoice.Kept(unit) : CrashChoice.Lost(unit))];
        }
    }

    /// <summary>The last write in pieces, with all of the rest kept and with none of it.</summary>
    private static IEnumerable<CrashChoice[]> Torn(IReadOnlyList<CrashUnit> units)
    {
        var last = units.ToList().FindLastIndex(unit => unit.Write is not null);
        if (last < 0)
            yield break;
        foreach (var keep in Tears(units[last].Parts))
        {
            foreach (var length in units[last].Grows ? new[] { false, true } : [false])
            {
                var torn = CrashChoice.Torn(units[last], keep, length);
                yield return Single(units, last, torn, CrashChoice.Kept);
                yield return Single(units, last, torn, CrashChoice.Lost);
            }
        }
    }

    private static IEnumerable<Func<int, bool>> Tears(int parts)
    {
        yield return _ => false;
        foreach (var cut in Cuts(parts))
        {
            yield return part => part < cut;
            yield return part => part >= cut;
            yield return part => part != cut;
        }
        yield return part => part != 0;
        yield return part => part % 2 == 0;
        yield return part => part % 2 == 1;
    }

    private static IEnumerable<int> Cuts(int parts) =>
        parts <= MaxPartsForAll ? Enumerable.Range(1, Math.Max(0, parts - 1)) : new[] { 1, 2, parts / 2, parts - 2, parts - 1 };

    /// <summary>Each change alone kept, lost, or there by its length only; and each prefix, with nothing or
    /// zeros after it. Shuffled, so that a small limit leaves out others with another seed.</summary>
    private static IEnumerable<CrashChoice[]> Singles(IReadOnlyList<CrashUnit> units, Random random)
    {
        var order = Enumerable.Range(0, units.Count).ToArray();
        random.Shuffle(order);
        foreach (var i in order)
        {
            yield return Single(units, i, CrashChoice.Lost(units[i]), CrashChoice.Kept);
            yield return Single(units, i, CrashChoice.Kept(units[i]), CrashChoice.Lost);
            yield return [.. units.Select((unit, at) => at <= i ? CrashChoice.Kept(unit) : CrashChoice.Lost(unit))];
            if (!units[i].Grows)
                continue;
            yield return Single(units, i, CrashChoice.Zeros(units[i]), CrashChoice.Kept);
            yield return [.. units.Select((unit, at) => at < i ? CrashChoice.Kept(unit) : CrashChoice.Zeros(unit))];
        }
    }

    private static IEnumerable<CrashChoice[]> Random(IReadOnlyList<CrashUnit> units, Random random, int maxStates)
    {
        for (var i = 0; i < maxStates * TriesPerState; i++)
        {
            var keep = new[] { 0.15, 0.5, 0.85 }[random.Next(3)];
            yield return All(units, unit => RandomChoice(unit, random, keep));
        }
    }

    private static CrashChoice RandomChoice(CrashUnit unit, Random random, double keep)
    {
        if (random.NextDouble() < keep)
            return CrashChoice.Kept(unit);
        return random.Next(3) switch
        {
            0 => CrashChoice.Torn(unit, _ => random.Next(2) == 0, length: random.Next(2) == 0),
            1 => CrashChoice.Zeros(unit),
            _ => CrashChoice.Lost(unit),
        };
    }

    private static CrashChoice[] All(IReadOnlyList<CrashUnit> units, Func<CrashUnit, CrashChoice> choose) => [.. units.Select(choose)];

    private static CrashChoice[] Single(IReadOnlyList<CrashUnit> units, int index, CrashChoice choice, Func<CrashUnit, CrashChoice> others) =>
        [.. units.Select((unit, i) => i == index ? choice : others(unit))];
}
