"""Rules for frames and targets of runs that succeeded."""
