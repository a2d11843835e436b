"""Spill files: frames on disk as Parquet with a schema.json."""
