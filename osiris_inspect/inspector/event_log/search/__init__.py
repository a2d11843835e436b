"""Searches long logs."""
