"""Transports to a worker: thread, child process, E2B sandbox."""
