"""Rules on databases and SQL."""
