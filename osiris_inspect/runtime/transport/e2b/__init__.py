"""Transport to a worker in an E2B sandbox."""
