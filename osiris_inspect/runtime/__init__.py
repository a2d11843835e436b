"""The west wing: makes runs. It compiles a pipeline, drives a worker over a transport and writes the run directory."""
