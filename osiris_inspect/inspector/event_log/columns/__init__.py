"""Columns of a long log: the values of one field in all lines, read with DuckDB and kept as Parquet."""
