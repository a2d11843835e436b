"""Rules for the log itself."""
