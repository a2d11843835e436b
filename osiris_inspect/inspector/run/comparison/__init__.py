"""Compares two runs: where they first diverge, and which difference may have caused it."""
