"""The values that describe a run."""
