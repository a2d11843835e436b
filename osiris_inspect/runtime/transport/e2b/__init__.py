"""A worker in an E2B sandbox."""
