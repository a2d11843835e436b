"""Reads figures that only a diagnosis needs: counts of frames, and earlier runs."""
