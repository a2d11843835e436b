"""Figures that rules compare: rows and values of frames, and of earlier runs."""
