"""Runs that continue, repeat or use earlier runs."""
