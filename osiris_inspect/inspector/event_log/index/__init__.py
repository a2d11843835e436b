"""The index of a long log."""
