"""Replays of a failed step with one difference of a run that works."""
