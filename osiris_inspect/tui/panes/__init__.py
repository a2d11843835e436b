"""The panes of a run's screen, a module a pane."""
