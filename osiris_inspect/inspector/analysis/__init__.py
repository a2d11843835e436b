"""Read a run, apply the rules and the settings of the project; list the runs of a folder."""
