"""Atomic writes, append-only files, hashed files and symbolic links."""
