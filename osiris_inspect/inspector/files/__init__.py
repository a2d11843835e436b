"""Files of a run directory and the search for run directories."""
