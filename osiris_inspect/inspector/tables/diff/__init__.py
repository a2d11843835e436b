"""Compares the rows of two frames on disk."""
