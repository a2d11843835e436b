"""The ground floor: the shapes of a run, as values. Nothing here opens a file, reads the clock or prints."""
