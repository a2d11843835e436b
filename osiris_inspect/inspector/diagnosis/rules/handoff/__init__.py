"""Rules on frames handed from step to step."""
