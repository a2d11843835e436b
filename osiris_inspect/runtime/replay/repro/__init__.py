"""Repro bundles: a failed step in a zip that anyone can open and replay."""
