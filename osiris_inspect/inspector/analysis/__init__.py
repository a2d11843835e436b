"""Read a run, apply the rules and the project settings; list the runs of a folder."""
