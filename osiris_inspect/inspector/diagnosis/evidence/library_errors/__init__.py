"""Errors of libraries and services with one known cause each, as data."""
