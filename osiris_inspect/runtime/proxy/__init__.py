"""Host side of a run: start a worker, record its events, write the run card."""
