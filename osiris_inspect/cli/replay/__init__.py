"""Commands that compare runs, continue them and run parts of them again."""
