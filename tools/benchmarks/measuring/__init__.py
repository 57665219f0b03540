"""What the benchmarks share: times of stages and of ways, models, forced instances."""
