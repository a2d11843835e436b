"""Mirrors remote runs (S3, web, fsspec) in the cache; only requested bytes are fetched."""
