"""Follows, indexes, filters and searches event logs."""
