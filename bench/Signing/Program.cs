using EdgeCache.Bench.Signing;

// Without a word: both. "verify" and "hits" choose one.
if (args is [] or ["verify"])
    Verifying.Run(Console.Out);
if (args is [] or ["hits"])
    await Hits.RunAsync(Console.Out);
