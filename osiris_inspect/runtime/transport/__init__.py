"""Ways to reach a worker: thread, child process, E2B sandbox."""
