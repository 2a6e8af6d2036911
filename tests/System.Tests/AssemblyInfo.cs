// Each class has processes of its own, and several measure time or memory: one after the other they disturb each other least.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
