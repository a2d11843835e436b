"""Readers of a step's configuration: its query, and how it treats its target."""
