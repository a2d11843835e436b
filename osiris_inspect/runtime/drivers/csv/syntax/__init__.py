"""Syntax of CSV files: their delimiter, quotes, numbers, encoding and compression."""
