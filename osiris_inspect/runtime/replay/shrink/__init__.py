"""Reduces the inputs of a failed step to the smallest frames with which it fails in the same way."""
