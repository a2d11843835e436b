"""Plan of a run: which steps of a pipeline run, and in which order."""
