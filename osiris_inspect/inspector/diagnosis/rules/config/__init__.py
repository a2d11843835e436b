"""Rules on configuration and files."""
