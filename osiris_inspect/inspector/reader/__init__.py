"""Builds a ``Run`` from a run directory."""
