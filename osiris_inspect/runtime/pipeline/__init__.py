"""Compiler and linter of pipelines: YAML, parameters, components and SQL tables."""
