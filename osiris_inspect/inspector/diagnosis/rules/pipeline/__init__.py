"""Rules on the pipeline definition."""
