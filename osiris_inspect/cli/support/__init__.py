"""Shared by the commands: streams, options, paths, configuration."""
