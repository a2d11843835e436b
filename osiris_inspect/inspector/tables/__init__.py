"""Events, metrics, steps, findings and frames as SQL tables."""
