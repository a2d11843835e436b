"""Execution of the steps of a run on its worker."""
