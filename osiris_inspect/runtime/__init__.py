"""Execution of pipelines: compiles them, runs a worker over a transport and writes the run directory."""
