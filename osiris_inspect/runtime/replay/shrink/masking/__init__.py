"""Replaces the values of frames by masks with which a step still fails."""
