"""Rules for driver code."""
