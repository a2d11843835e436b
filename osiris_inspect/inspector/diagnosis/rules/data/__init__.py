"""Rules on rows and values."""
