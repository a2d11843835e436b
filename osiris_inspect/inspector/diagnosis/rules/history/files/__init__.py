"""Rules about the files that a step read by a pattern or a list."""
