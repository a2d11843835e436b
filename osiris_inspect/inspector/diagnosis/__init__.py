"""Diagnosis of a run: rules report findings, and the engine finds the root causes among them."""
