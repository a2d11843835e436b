"""Rules for the pipeline definition."""
