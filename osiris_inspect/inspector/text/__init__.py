"""Sanitize, wrap and format text."""
