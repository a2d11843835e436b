"""The worker: resolve inputs, run drivers, store results, emit events."""
