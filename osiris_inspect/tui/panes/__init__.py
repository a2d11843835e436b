"""Panes of a run's screen, one module per tab."""
