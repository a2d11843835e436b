"""Starts a run for a command: reads the pipeline, executes it, and prints its progress and result."""
