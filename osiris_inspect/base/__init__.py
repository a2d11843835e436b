"""Helpers of both the runtime and the inspector; imports the standard library and yaml only."""
