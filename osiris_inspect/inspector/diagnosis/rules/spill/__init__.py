"""Rules for spilled DataFrames and artifacts."""
