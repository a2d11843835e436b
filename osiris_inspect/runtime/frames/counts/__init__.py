"""Counts of a frame for the log: what its columns hold, without a second pass over the data."""
