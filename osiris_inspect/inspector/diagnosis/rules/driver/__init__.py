"""Rules on driver code."""
