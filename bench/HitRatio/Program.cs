using EdgeCache.Bench.HitRatio;

return await CommandLine.InvokeAsync(args);
