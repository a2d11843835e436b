"""Comparison of a run with earlier runs: which of them count, and what they have in common."""
