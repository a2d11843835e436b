"""Isolation of a local worker with bubblewrap or Landlock."""
