"""Rules that compare a run with earlier runs of its pipeline."""
