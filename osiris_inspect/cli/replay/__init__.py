"""Commands that compare runs and run parts of them again."""
