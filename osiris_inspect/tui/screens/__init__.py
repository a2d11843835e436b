"""Screens: a run, the runs of a folder, artifacts, frames, comparisons and texts."""
