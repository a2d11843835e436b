"""Runs on several machines: an engine places chains of steps, and frames cross on a shared store."""
