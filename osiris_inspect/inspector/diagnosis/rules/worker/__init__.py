"""Rules on the worker, the sandbox and the life of a step."""
