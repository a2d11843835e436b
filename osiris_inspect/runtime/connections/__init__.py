"""Connections of pipelines and their environment variables."""
