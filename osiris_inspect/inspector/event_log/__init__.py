"""Logs too long to be decoded as a whole: their lines told from bytes, found by an index, decoded when asked for."""
