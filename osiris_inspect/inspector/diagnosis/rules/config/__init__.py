"""Rules for configuration and files."""
