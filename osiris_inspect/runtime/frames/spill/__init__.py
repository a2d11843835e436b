"""Frames on disk: Parquet plus schema.json."""
