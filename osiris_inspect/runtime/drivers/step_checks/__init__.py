"""Checks of a step's frame: rows, missing values, keys, values and SQL."""
