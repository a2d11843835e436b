"""Rules on frames on disk and artifacts."""
