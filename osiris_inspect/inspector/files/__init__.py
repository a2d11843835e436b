"""Finds and opens the files of runs."""
