"""Lineage drawings, sparklines and status symbols."""
